//! Typed attributes that travel through wrappers.
//!
//! The pattern is that of AnyIO's typed attributes: ask the outermost stream, and whichever layer knows answers. The key
//! is the attribute's own type, so there is nothing to register and nothing to cast.

use std::any::Any;
use std::fmt;

/// Something that can be asked for facts by type: addresses, a [`Closer`](crate::Closer), what a TLS layer knows.
///
/// A supertrait of every stream and listener, and required, so that a wrapper cannot forget to pass requests on:
///
/// ```
/// use anynet_core::{Attributes, AttributesExt, Request};
///
/// struct Socket;
/// #[derive(Debug, PartialEq)]
/// struct Family(&'static str);
/// impl Attributes for Socket {
///     fn attributes<'a>(&'a self, request: &mut Request<'_, 'a>) {
///         request.provide(|| Family("inet"));
///     }
/// }
///
/// struct Wrapper<S>(S, String);
/// impl<S: Attributes> Attributes for Wrapper<S> {
///     fn attributes<'a>(&'a self, request: &mut Request<'_, 'a>) {
///         request.offer(&self.1); // the outermost layer answers first
///         self.0.attributes(request);
///     }
/// }
///
/// let stream = Wrapper(Socket, String::from("outer"));
/// assert_eq!(stream.attribute::<Family>(), Some(Family("inet")));
/// assert_eq!(stream.attribute_ref::<String>(), Some(&String::from("outer")));
/// assert_eq!(stream.attribute::<u8>(), None);
/// ```
pub trait Attributes {
    /// Answers `request` where this layer can, then passes it to the layer below. The first answer wins.
    fn attributes<'a>(&'a self, request: &mut Request<'_, 'a>);
}

/// Asking for attributes.
pub trait AttributesExt: Attributes {
    /// The attribute of type `T`, owned. Does not allocate.
    fn attribute<T: Any>(&self) -> Option<T> {
        let mut answer: Option<T> = None;
        self.attributes(&mut Request {
            owned: Some(&mut answer),
            borrowed: None,
            borrow: None,
        });
        answer
    }

    /// The attribute of type `T`, borrowed from the layer that has it. Does not allocate.
    fn attribute_ref<T: Any>(&self) -> Option<&T> {
        let mut request = Request {
            owned: None,
            borrowed: None,
            borrow: Some(<dyn Any>::is::<T>),
        };
        self.attributes(&mut request);
        request.borrowed.and_then(<dyn Any>::downcast_ref)
    }
}

impl<A: Attributes + ?Sized> AttributesExt for A {}

/// One question on its way down through the layers of a stream.
pub struct Request<'s, 'a> {
    /// Where an owned answer goes: an `Option<T>` of the asker's.
    owned: Option<&'s mut dyn Any>,
    /// The answer to a question for a borrowed value, once there is one.
    borrowed: Option<&'a dyn Any>,
    /// Whether a value is of the type that is asked for, if the question is for a borrowed one.
    borrow: Option<fn(&dyn Any) -> bool>,
}

impl<'a> Request<'_, 'a> {
    /// Answers with `value()`, if that is what is asked for and nobody answered yet.
    pub fn provide<T: Any>(&mut self, value: impl FnOnce() -> T) -> &mut Self {
        self.provide_some(|| Some(value()))
    }

    /// As [`provide`](Self::provide), where there may be nothing to give; then the next layer is asked.
    pub fn provide_some<T: Any>(&mut self, value: impl FnOnce() -> Option<T>) -> &mut Self {
        if let Some(answer @ None) = self
            .owned
            .as_mut()
            .and_then(|slot| slot.downcast_mut::<Option<T>>())
        {
            *answer = value();
        }
        self
    }

    /// Lends `value`, if that is what is asked for and nobody answered yet.
    pub fn offer<T: Any>(&mut self, value: &'a T) -> &mut Self {
        if self.borrowed.is_none() && self.borrow.is_some_and(|wanted| wanted(value)) {
            self.borrowed = Some(value);
        }
        self
    }
}

impl fmt::Debug for Request<'_, '_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Layers(u8, u8);

    impl Attributes for Layers {
        fn attributes<'a>(&'a self, request: &mut Request<'_, 'a>) {
            request
                .provide(|| self.0)
                .offer(&self.0)
                .provide(|| self.1)
                .offer(&self.1);
        }
    }

    #[test]
    fn the_outermost_answer_wins() {
        assert_eq!(Layers(1, 2).attribute::<u8>(), Some(1));
        assert_eq!(Layers(1, 2).attribute_ref::<u8>(), Some(&1));
    }

    #[test]
    fn what_no_layer_knows_is_none() {
        assert_eq!(Layers(1, 2).attribute::<u16>(), None);
        assert_eq!(Layers(1, 2).attribute_ref::<u16>(), None);
    }

    #[test]
    fn an_answer_is_not_computed_for_another_question() {
        struct Costly;
        impl Attributes for Costly {
            fn attributes<'a>(&'a self, request: &mut Request<'_, 'a>) {
                request.provide::<u8>(|| unreachable!("nobody asked for a u8"));
            }
        }
        assert_eq!(Costly.attribute::<u16>(), None);
    }
}
