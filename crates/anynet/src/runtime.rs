//! The runtimes by name: the same names as at the top of the crate, on one runtime whatever else is compiled in.

#[cfg(feature = "smol")]
pub mod smol {
    //! Everything on smol.

    pub use anynet_smol::{Smol, SmolSleep, SmolSlot, SmolSource, SmolTask, from_native, into_native, run};

    names!(
        #[cfg(feature = "smol")]
        Smol
    );
}

#[cfg(feature = "tokio")]
pub mod tokio {
    //! Everything on tokio.

    pub use anynet_tokio::{
        Tokio, TokioSleep, TokioSlot, TokioSource, TokioTask, from_native, into_native, run,
    };

    names!(
        #[cfg(feature = "tokio")]
        Tokio
    );
}
