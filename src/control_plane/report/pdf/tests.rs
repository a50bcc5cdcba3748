//! What a PDF is: the same bytes for the same document, pages of the right number, text that is text.

use super::*;

#[test]
fn x() {}
