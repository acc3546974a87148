//! Sizes of pieces, by numbers that look random.

use std::num::NonZeroUsize;

/// The sizes of pieces.
#[derive(Debug)]
pub(super) struct Pieces {
    most: NonZeroUsize,
    /// Of the numbers that look random.
    state: u64,
    /// The next one, until it was moved.
    next: usize,
}

impl Pieces {
    pub(super) fn new(most: NonZeroUsize, seed: u64) -> Self {
        let mut pieces = Self {
            most,
            state: seed,
            next: 0,
        };
        pieces.draw();
        pieces
    }

    /// How many bytes the next piece has at most.
    pub(super) fn next(&self) -> usize {
        self.next
    }

    /// The next number of splitmix64: every seed will do.
    pub(super) fn draw(&mut self) {
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.state ^ (self.state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        let piece = (mixed ^ (mixed >> 31)) % self.most.get() as u64 + 1;
        self.next = usize::try_from(piece).unwrap_or(usize::MAX);
    }
}
