//! Pages to read, from `docs/` in the repository: `docs/names.md` is [`names`]. The names in them are links to the items.
//!
//! <!-- `links.md` says where the pages are in the documentation. It comes first, and so counts; what a page says at its end
//! is for the repository. `cargo xtask tidy` compares the two. -->

#![expect(unused_imports, reason = "the links of the pages are looked up from there")]

pub mod coming_from_anyio {
    #![doc = include_str!("links.md")]
    #![doc = include_str!("../docs/coming-from-anyio.md")]

    use crate::*;
}

pub mod connecting {
    #![doc = include_str!("links.md")]
    #![doc = include_str!("../docs/connecting.md")]

    use crate::*;
}

pub mod contract {
    #![doc = include_str!("links.md")]
    #![doc = include_str!("../docs/contract.md")]

    use crate::*;
}

pub mod names {
    #![doc = include_str!("links.md")]
    #![doc = include_str!("../docs/names.md")]

    use crate::*;
}

pub mod serving {
    #![doc = include_str!("links.md")]
    #![doc = include_str!("../docs/serving.md")]

    use crate::*;
}

pub mod sockets {
    #![doc = include_str!("links.md")]
    #![doc = include_str!("../docs/sockets.md")]

    use crate::*;
}

pub mod testing {
    #![doc = include_str!("links.md")]
    #![doc = include_str!("../docs/testing.md")]

    use crate::*;
}
