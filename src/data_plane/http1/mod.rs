//! HTTP/1.1 on the wire (RFC 9112): heads are parsed by `httparse` and framed by us, strictly, the
//! same way on the client's side and on the origin's.

mod body;
mod date;
mod head;
mod repair;

pub(super) use body::{BodyFault, BodyReader, Framing, Piece, put_chunk_size};
pub(super) use date::http_date;
pub(super) use head::{
    Fields, Gathering, HeadFault, HeadLimits, HeadScan, Line, RequestHead, ResponseHead, split_head,
};
pub(super) use repair::take_repaired;
