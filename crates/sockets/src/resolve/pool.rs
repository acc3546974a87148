//! The threads that look-ups block.
//!
//! The system's resolver cannot be cancelled. So it runs on a few threads of its own, which are started when they are needed
//! and end when they are idle: a runtime's own pool would be waited for when the runtime shuts down, and a look-up can hang
//! for as long as the network does.

use std::collections::{HashMap, VecDeque};
use std::hash::Hash;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use super::answer::{Answer, Promise, promise};

/// How many look-ups run at once; the others wait in line.
pub(super) const MOST_THREADS: usize = 8;

/// How many of them may be slow ones, so that a name server that does not answer those leaves room for the others.
const MOST_SLOW: usize = MOST_THREADS / 2;

/// The threads, and the questions that wait for one or are being asked. Equal questions are asked once.
pub(super) struct Pool<Q, A> {
    state: Mutex<State<Q, A>>,
    work: Condvar,
    ask: fn(&Q) -> A,
    is_slow: fn(&Q) -> bool,
    idle: Duration,
}

struct State<Q, A> {
    /// What no thread has begun.
    queue: VecDeque<Q>,
    /// Who waits for which answer: for each question in the queue, and each that is being asked.
    flights: HashMap<Q, Vec<Promise<A>>>,
    threads: usize,
    /// How many of the threads have nothing to do.
    idle: usize,
    /// How many of them ask something slow.
    slow: usize,
}

impl<Q, A> Pool<Q, A>
where
    Q: Clone + Eq + Hash + Send + 'static,
    A: Clone + Send + 'static,
{
    /// A pool that asks by `ask`, where the questions that are `is_slow` get half of the threads at most, and a thread ends
    /// when it was `idle` for so long.
    pub(super) fn new(ask: fn(&Q) -> A, is_slow: fn(&Q) -> bool, idle: Duration) -> Self {
        Self {
            state: Mutex::new(State {
                queue: VecDeque::new(),
                flights: HashMap::new(),
                threads: 0,
                idle: 0,
                slow: 0,
            }),
            work: Condvar::new(),
            ask,
            is_slow,
            idle,
        }
    }

    /// Asks `question` on a thread of the pool, unless the same is being asked already: then its answer is shared.
    ///
    /// Dropping the answer gives it up. A question that nobody waits for any more, and that no thread has begun, never is
    /// asked; one that has begun ends by itself.
    ///
    /// # Errors
    ///
    /// If no thread can be started, and there is none.
    pub(super) fn ask(&'static self, question: Q) -> io::Result<Answer<A>> {
        let (promise, answer) = promise();
        let mut state = lock(&self.state);
        if let Some(promises) = state.flights.get_mut(&question) {
            // Who gave up goes before there is room for more: a question that hangs, asked again and again, takes no more
            // room than those who wait for it.
            if promises.len() == promises.capacity() {
                promises.retain(Promise::is_awaited);
            }
            promises.push(promise);
            return Ok(answer);
        }
        if state.queue.len() == state.queue.capacity() {
            state.forget_given_up(); // as above, where every thread hangs
        }
        state.queue.push_back(question.clone());
        if state.idle < state.queue.len() && state.threads < MOST_THREADS {
            let spawned = thread::Builder::new()
                .name("anynet-resolver".into())
                .spawn(|| self.work());
            match spawned {
                Ok(_) => state.threads += 1,
                // Another thread will come to it.
                Err(_) if state.threads > 0 => {}
                Err(error) => {
                    state.queue.pop_back();
                    // The system's is "would block", which no connect may say.
                    return Err(io::Error::other(error));
                }
            }
        }
        state.flights.insert(question, vec![promise]);
        drop(state);
        self.work.notify_one();
        Ok(answer)
    }

    /// What each thread does.
    fn work(&self) {
        let mut state = lock(&self.state);
        loop {
            if let Some(question) = self.next(&state).and_then(|at| state.queue.remove(at)) {
                if is_awaited(&state.flights, &question) {
                    let slow = usize::from((self.is_slow)(&question));
                    state.slow += slow;
                    drop(state);
                    // What panics is lost, and costs no thread.
                    let value = catch_unwind(AssertUnwindSafe(|| (self.ask)(&question))).ok();
                    state = lock(&self.state);
                    state.slow -= slow;
                    let promises = state.flights.remove(&question);
                    drop(state);
                    for promise in promises.into_iter().flatten() {
                        // Whom it wakes may panic, too.
                        let _ = catch_unwind(AssertUnwindSafe(|| promise.keep(value.clone())));
                    }
                    state = lock(&self.state);
                } else {
                    state.flights.remove(&question);
                }
                continue;
            }
            state.idle += 1;
            let (waited, timed_out) = match self.work.wait_timeout(state, self.idle) {
                Ok((waited, timeout)) => (waited, timeout.timed_out()),
                Err(poisoned) => (poisoned.into_inner().0, false),
            };
            state = waited;
            state.idle -= 1;
            // A slow question that has to wait is another thread's, when that is done with its own.
            if timed_out && self.next(&state).is_none() {
                state.threads -= 1;
                return;
            }
        }
    }

    /// Where in the queue the next question is that may be asked now.
    fn next(&self, state: &State<Q, A>) -> Option<usize> {
        let has_room = state.slow < MOST_SLOW;
        let mut queue = state.queue.iter();
        queue.position(|question| has_room || !(self.is_slow)(question))
    }
}

impl<Q: Eq + Hash, A> State<Q, A> {
    /// Takes out of the queue what nobody waits for, and makes room for as much as is left.
    fn forget_given_up(&mut self) {
        let Self { queue, flights, .. } = self;
        queue.retain(|question| is_awaited(flights, question) || flights.remove(question).is_none());
        queue.reserve(queue.len());
    }
}

/// Whether anybody waits for the answer still.
fn is_awaited<Q: Eq + Hash, A>(flights: &HashMap<Q, Vec<Promise<A>>>, question: &Q) -> bool {
    let promises = flights.get(question);
    promises.is_some_and(|promises| promises.iter().any(Promise::is_awaited))
}

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::panic::resume_unwind;
    use std::pin::Pin;
    use std::sync::Arc;
    use std::sync::mpsc::{Receiver, Sender, channel};
    use std::task::{Context, Poll, Waker};
    use std::time::Instant;

    use super::*;

    const IDLE: Duration = Duration::from_millis(100);

    /// Questions from this number on are slow.
    const SLOW: u32 = 1000;

    /// Tells of each question that is asked, and answers when it is released.
    #[derive(Clone)]
    struct Question(u32, Sender<u32>, Arc<Mutex<Receiver<()>>>);

    impl PartialEq for Question {
        fn eq(&self, other: &Self) -> bool {
            self.0 == other.0
        }
    }

    impl Eq for Question {}

    impl Hash for Question {
        fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
            self.0.hash(state);
        }
    }

    struct Asker {
        pool: &'static Pool<Question, u32>,
        tell: Sender<u32>,
        asked: Receiver<u32>,
        releases: Vec<Sender<()>>,
    }

    impl Asker {
        fn new() -> Self {
            let ask = |Question(number, asked, released): &Question| {
                asked.send(*number).unwrap();
                lock(released).recv().unwrap();
                *number
            };
            let pool = Pool::new(ask, |question| question.0 >= SLOW, IDLE);
            let (tell, asked) = channel();
            Self {
                pool: Box::leak(Box::new(pool)),
                tell,
                asked,
                releases: Vec::new(),
            }
        }

        fn ask(&mut self, number: u32) -> Answer<u32> {
            let (release, released) = channel();
            self.releases.push(release);
            let released = Arc::new(Mutex::new(released));
            self.pool
                .ask(Question(number, self.tell.clone(), released))
                .unwrap()
        }

        /// Lets every question go on, and those that come.
        fn release(&mut self) {
            for release in &self.releases {
                let _ = release.send(());
            }
        }
    }

    fn wait<T>(mut answer: Answer<T>) -> io::Result<T> {
        loop {
            match Pin::new(&mut answer).poll(&mut Context::from_waker(Waker::noop())) {
                Poll::Ready(value) => return value,
                Poll::Pending => thread::yield_now(),
            }
        }
    }

    #[test]
    fn a_look_up_that_panics_is_lost_and_costs_no_thread() {
        let ask = |question: &u32| match question {
            7 => 7,
            _ => resume_unwind(Box::new("thrown")),
        };
        let pool = Pool::new(ask, |_| false, IDLE);
        let pool = &*Box::leak(Box::new(pool));
        for question in 100..100 + 2 * MOST_THREADS as u32 {
            assert!(wait(pool.ask(question).unwrap()).is_err());
        }
        assert_eq!(wait(pool.ask(7).unwrap()).unwrap(), 7);
    }

    #[test]
    fn a_look_up_that_was_given_up_in_the_queue_is_not_made() {
        let mut asker = Asker::new();
        let busy: Vec<_> = (0..MOST_THREADS as u32).map(|number| asker.ask(number)).collect();
        let given_up = asker.ask(100);
        let last = asker.ask(101);
        drop(given_up);
        asker.release();
        for (number, answer) in (0..).zip(busy) {
            assert_eq!(wait(answer).unwrap(), number);
        }
        assert_eq!(wait(last).unwrap(), 101);
        assert!(asker.asked.try_iter().all(|number| number != 100));
        assert!(lock(&asker.pool.state).flights.is_empty());
    }

    #[test]
    fn look_ups_that_hang_take_eight_threads_and_no_more() {
        let mut asker = Asker::new();
        let answers: Vec<_> = (0..3 * MOST_THREADS as u32)
            .map(|number| asker.ask(number))
            .collect();
        for _ in 0..MOST_THREADS {
            asker.asked.recv().unwrap();
        }
        assert!(asker.asked.recv_timeout(Duration::from_millis(30)).is_err());
        assert_eq!(lock(&asker.pool.state).threads, MOST_THREADS);
        asker.release();
        for (number, answer) in (0..).zip(answers) {
            assert_eq!(wait(answer).unwrap(), number);
        }
    }

    #[test]
    fn equal_look_ups_in_flight_are_made_once_and_answer_each() {
        let mut asker = Asker::new();
        let first = asker.ask(1);
        asker.asked.recv().unwrap();
        // One joins while it is asked, and the first to ask may leave.
        let second = asker.ask(1);
        drop(first);
        let third = asker.ask(1);
        asker.release();
        assert_eq!(wait(second).unwrap(), 1);
        assert_eq!(wait(third).unwrap(), 1);
        assert!(asker.asked.try_recv().is_err(), "it was asked once");
        // What has ended is asked again: nothing is kept.
        let again = asker.ask(1);
        asker.asked.recv().unwrap();
        asker.release();
        assert_eq!(wait(again).unwrap(), 1);
    }

    #[test]
    fn a_look_up_that_hangs_keeps_nothing_of_those_who_gave_up() {
        let mut asker = Asker::new();
        let first = asker.ask(1);
        asker.asked.recv().unwrap();
        for _ in 0..1000 {
            drop(asker.ask(1));
        }
        let kept: usize = lock(&asker.pool.state).flights.values().map(Vec::len).sum();
        assert!(kept <= 8, "{kept} are kept");
        asker.release();
        assert_eq!(wait(first).unwrap(), 1);
    }

    #[test]
    fn a_queue_that_does_not_move_keeps_nothing_of_those_who_gave_up() {
        let mut asker = Asker::new();
        let busy: Vec<_> = (0..MOST_THREADS as u32).map(|number| asker.ask(number)).collect();
        let waiting = asker.ask(8);
        for number in 9..900 {
            drop(asker.ask(number));
        }
        let queued = lock(&asker.pool.state).queue.len();
        let known = lock(&asker.pool.state).flights.len();
        assert!(queued <= 32 && known <= 40, "{queued} are queued, {known} known");
        asker.release();
        for (number, answer) in (0..).zip(busy.into_iter().chain([waiting])) {
            assert_eq!(wait(answer).unwrap(), number);
        }
    }

    #[test]
    fn slow_look_ups_that_hang_leave_room_for_the_others() {
        let mut asker = Asker::new();
        let slow: Vec<_> = (SLOW..)
            .take(2 * MOST_THREADS)
            .map(|number| asker.ask(number))
            .collect();
        for _ in 0..MOST_SLOW {
            assert!(asker.asked.recv().unwrap() >= SLOW);
        }
        let other = asker.ask(1);
        assert_eq!(asker.asked.recv().unwrap(), 1);
        asker.release();
        assert_eq!(wait(other).unwrap(), 1);
        for (number, answer) in (SLOW..).zip(slow) {
            assert_eq!(wait(answer).unwrap(), number);
        }
        assert_eq!(lock(&asker.pool.state).slow, 0);
    }

    #[test]
    fn threads_start_when_they_are_needed_and_end_when_they_are_idle() {
        let mut asker = Asker::new();
        for _ in 0..2 {
            assert_eq!(lock(&asker.pool.state).threads, 0);
            let answer = asker.ask(1);
            assert_eq!(lock(&asker.pool.state).threads, 1);
            asker.release();
            assert_eq!(wait(answer).unwrap(), 1);
            let limit = Instant::now() + Duration::from_secs(10);
            while lock(&asker.pool.state).threads > 0 {
                assert!(Instant::now() < limit, "it still is there");
                thread::yield_now();
            }
        }
    }
}
