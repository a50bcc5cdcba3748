//! What a route is: a line of [`ROUTES`](super::routes::ROUTES), and the operation behind it.

use super::{
    Api,
    call::{Call, Reply},
    problem::Problem,
    role::Scope,
    schema::{Kind, Member, Shape, may},
};

/// A line of the table.
pub(super) struct Route {
    pub(super) method: Method,
    pub(super) path: &'static str,
    pub(super) scope: Scope,
    pub(super) operation: Operation,
}

/// The methods that routes have. HEAD is GET without a body; OPTIONS is answered for every path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Method {
    Delete,
    Get,
    Post,
    Put,
}

/// Does what a request asks for. Blocks.
pub(super) type Handler = fn(&Api, &Call) -> Result<Reply, Problem>;

/// What a route does.
#[derive(Clone, Copy)]
pub(super) struct Operation {
    pub(super) summary: &'static str,
    pub(super) handler: Handler,
    pub(super) query: &'static [Member],
    pub(super) body: Option<&'static Shape>,
    pub(super) answer: Answer,
    /// What it answers has an ETag, or it wants one in If-Match.
    pub(super) tagged: bool,
    /// The member of the answer that is shown once and not kept with an Idempotency-Key.
    pub(super) secret: Option<&'static str>,
}

/// What is answered when all is well.
#[derive(Clone, Copy)]
pub(super) enum Answer {
    /// 201.
    Created(&'static Shape),
    /// 204.
    Nothing,
    /// 200.
    One(&'static Shape),
    /// 200, a page of a list.
    Page(&'static Shape),
    /// 200 or 201.
    Put(&'static Shape),
    /// 200, not JSON: one of these media types.
    Raw(&'static [&'static str]),
}

/// The parameters of every list.
pub(super) const PAGE: [Member; 2] = [
    may("after", Kind::Text(1, 1_000), "the `next` of the page before"),
    may("limit", Kind::Integer(1, 1_000), "items of a page, 100 if it is not said"),
];

/// The parameters of a list in the order of the record.
pub(super) const ENTRY_PAGE: [Member; 2] = [
    may("after", Kind::Integer(0, i64::MAX), "the `next` of the page before"),
    may("limit", Kind::Integer(1, 1_000), "items of a page, 100 if it is not said"),
];

impl Operation {
    const fn new(summary: &'static str, answer: Answer, handler: Handler) -> Self {
        Self { summary, handler, query: &[], body: None, answer, tagged: false, secret: None }
    }

    /// Shows one thing.
    pub(super) const fn show(summary: &'static str, shape: &'static Shape, handler: Handler) -> Self {
        Self::new(summary, Answer::One(shape), handler)
    }

    /// Shows a page of a list; the query has [`PAGE`] or [`ENTRY_PAGE`] among its parameters.
    pub(super) const fn list(
        summary: &'static str,
        shape: &'static Shape,
        query: &'static [Member],
        handler: Handler,
    ) -> Self {
        Self::new(summary, Answer::Page(shape), handler).query(query)
    }

    /// Makes something.
    pub(super) const fn create(
        summary: &'static str,
        body: &'static Shape,
        shape: &'static Shape,
        handler: Handler,
    ) -> Self {
        Self::new(summary, Answer::Created(shape), handler).body(body)
    }

    /// Makes or changes something whose name is known.
    pub(super) const fn put(
        summary: &'static str,
        body: &'static Shape,
        shape: &'static Shape,
        handler: Handler,
    ) -> Self {
        Self::new(summary, Answer::Put(shape), handler).body(body).tagged()
    }

    /// Takes something out.
    pub(super) const fn delete(summary: &'static str, handler: Handler) -> Self {
        Self::new(summary, Answer::Nothing, handler)
    }

    /// Shows something that is not JSON.
    pub(super) const fn raw(summary: &'static str, media: &'static [&'static str], handler: Handler) -> Self {
        Self::new(summary, Answer::Raw(media), handler)
    }

    /// With these parameters.
    pub(super) const fn query(mut self, query: &'static [Member]) -> Self {
        self.query = query;
        self
    }

    /// With a body.
    pub(super) const fn body(mut self, body: &'static Shape) -> Self {
        self.body = Some(body);
        self
    }

    /// With an ETag.
    pub(super) const fn tagged(mut self) -> Self {
        self.tagged = true;
        self
    }

    /// With a member of the answer that is shown only once.
    pub(super) const fn secret(mut self, member: &'static str) -> Self {
        self.secret = Some(member);
        self
    }
}

impl Method {
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Delete => "DELETE",
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Put => "PUT",
        }
    }
}

impl Route {
    /// Whether an Idempotency-Key counts.
    pub(super) const fn creates(&self) -> bool {
        matches!(self.operation.answer, Answer::Created(_))
    }

    /// Whether it may change something: then it waits for its turn.
    pub(super) const fn changes(&self) -> bool {
        match self.scope {
            Scope::Health | Scope::Look | Scope::Metrics | Scope::Read => false,
            Scope::Review | Scope::Tokens | Scope::Write => true,
        }
    }
}
