//! Texts to serve: innocent ones of any length, and such that hold the test pack's phrase.

/// What the rules of [`super::Setup`] forbid. Every legacy charset can write it.
pub const PHRASE: &str = "秘密暗号测试";
/// The same in traditional characters, for Big5.
pub const PHRASE_TRADITIONAL: &str = "秘密暗號測試";

/// Innocent text of at least so many bytes.
pub fn text_of(bytes: usize) -> String {
    let mut text = String::with_capacity(bytes + 200);
    let mut line = 0;
    while text.len() < bytes {
        text.push_str(&format!(
            "<p>第{line}段：天气晴朗，适合出门散步，湖边的柳树已经发芽。A line of plain text, number {line}.</p>\n"
        ));
        line += 1;
    }
    text
}

/// An innocent page of at least so many bytes.
pub fn page_of(bytes: usize) -> String {
    format!("<!doctype html><html><head><title>测试</title></head><body>\n{}</body></html>\n", text_of(bytes))
}

/// A page with `phrase` behind so many bytes of innocent text.
pub fn page_with(phrase: &str, before: usize) -> String {
    let (before, behind) = (text_of(before), text_of(200));
    format!(
        "<!doctype html><html><head><title>测试</title></head><body>\n{before}<p>前{phrase}后</p>\n{behind}</body></html>\n"
    )
}
