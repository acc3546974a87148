//! A case: one behaviour, as data.

use anynet_core::BoxFuture;

use crate::Context;

/// One behaviour, and what it has to be given.
pub(crate) struct Case<C = Context> {
    /// The path of its module; the segment behind `cases` is part of its name.
    pub(crate) module: &'static str,
    pub(crate) name: &'static str,
    pub(crate) run: fn(C) -> BoxFuture<'static, Outcome>,
}

impl<C> Case<C> {
    /// `module::name`, as catalogue and deviations call it.
    pub(crate) fn id(&self) -> String {
        let mut segments = self.module.split("::").skip_while(|segment| *segment != "cases");
        let module = segments.nth(1).unwrap_or_default();
        format!("{module}::{}", self.name)
    }
}

/// How a case that did not panic came out.
pub(crate) type Outcome = Result<(), NotApplicable>;

/// Why a case says nothing about this backend or kind of stream. Reported as ignored, never as passed.
#[derive(Debug)]
pub(crate) struct NotApplicable(pub(crate) &'static str);

/// Lets most cases return nothing.
pub(crate) trait IntoOutcome {
    fn into_outcome(self) -> Outcome;
}

impl IntoOutcome for () {
    fn into_outcome(self) -> Outcome {
        Ok(())
    }
}

impl IntoOutcome for Outcome {
    fn into_outcome(self) -> Outcome {
        self
    }
}

/// Lists the cases of a file, which are given a [`Context`], or what is said. They are private functions, so the compiler refuses one that is not listed.
macro_rules! cases {
    ($($name:ident),* $(,)?) => {
        $crate::case::cases![given $crate::Context: $($name),*];
    };
    (given $context:ty: $($name:ident),* $(,)?) => {
        pub(crate) static CASES: &[$crate::case::Case<$context>] = &[$(
            $crate::case::Case {
                module: module_path!(),
                name: stringify!($name),
                run: |context| Box::pin(async move { $crate::case::IntoOutcome::into_outcome($name(context).await) }),
            }
        ),*];
    };
}

pub(crate) use cases;
