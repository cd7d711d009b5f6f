//! A request's body, lent to whoever reads it and held by the guard until the answer is sent.
//!
//! A server that drops a chunked body reads on until its end, however slowly that comes. One that still holds what is left
//! closes the connection after the answer: so no caller keeps a connection for longer than the body's deadline.

use std::cell::RefCell;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use actix_web::HttpMessage as _;
use actix_web::body::{BodySize, BoxBody, MessageBody};
use actix_web::dev::{Payload, ServiceRequest};
use actix_web::web::Bytes;
use futures_util::StreamExt as _;
use futures_util::stream::poll_fn;

/// What is left of a request's body.
pub struct Unread(Option<Rc<RefCell<Payload>>>);

/// Puts a lent body in the place of the request's own.
pub fn lend(req: &mut ServiceRequest) -> Unread {
    let own = match req.take_payload() {
        none @ Payload::None => {
            req.set_payload(none);
            return Unread(None);
        }
        own => Rc::new(RefCell::new(own)),
    };
    let lent = Rc::clone(&own);
    req.set_payload(Payload::Stream { payload: Box::pin(poll_fn(move |cx| lent.borrow_mut().poll_next_unpin(cx))) });
    Unread(Some(own))
}

impl Unread {
    /// Ties what is left to the answer's body: it goes when the answer is sent.
    pub fn hold(self, body: BoxBody) -> BoxBody {
        match self.0 {
            None => body,
            Some(payload) => BoxBody::new(Held { body, _payload: payload }),
        }
    }
}

/// An answer's body, and the request's.
struct Held {
    body: BoxBody,
    _payload: Rc<RefCell<Payload>>,
}

impl MessageBody for Held {
    type Error = Box<dyn std::error::Error>;

    fn size(&self) -> BodySize {
        self.body.size()
    }

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Self::Error>>> {
        self.body.as_pin_mut().poll_next(cx)
    }
}
