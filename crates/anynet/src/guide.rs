//! Pages to read, from `docs/` in the repository. The names in them are links to the items.

#[expect(unused_imports, reason = "the links of the pages are looked up from here")]
use crate::*;

#[doc = include_str!("../docs/contract.md")]
pub mod contract {}

#[doc = include_str!("../docs/coming-from-anyio.md")]
pub mod coming_from_anyio {}

#[doc = include_str!("../docs/names.md")]
pub mod resolving {}

#[doc = include_str!("../docs/sockets.md")]
pub mod low_level {}

#[doc = include_str!("../docs/serving.md")]
pub mod serving {}

#[doc = include_str!("../docs/connecting.md")]
pub mod connecting {}

#[doc = include_str!("../docs/testing.md")]
pub mod testing {}
