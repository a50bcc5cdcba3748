//! A document as one HTML page without anything from elsewhere, made for printing on A4.
//!
//! The line for signature and seal stands in the table's foot, which browsers repeat on every page they
//! print, and so it needs no support for margin boxes; those that have them add the page's number.

use askama::Template;

use super::{
    document::{Block, Document, printable},
    words,
};

/// The page. Everything that comes from data is escaped by the template's engine.
#[derive(Template)]
#[template(
    ext = "html",
    source = r#"<!DOCTYPE html>
<html lang="zh-CN">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>{{ document.title }} {{ document.number }}</title>
<style>
@page { size: A4; margin: 18mm 20mm 14mm; @bottom-right { content: "第 " counter(page) " 页 共 " counter(pages) " 页"; font-size: 8pt; color: #555; vertical-align: top; } }
* { box-sizing: border-box; }
html { font: 11pt/1.75 "Noto Sans CJK SC", "Source Han Sans SC", "Microsoft YaHei", "PingFang SC", "WenQuanYi Micro Hei", sans-serif; color: #000; background: #e9e9e9; }
body { margin: 0; }
.sheet { width: 100%; border-collapse: collapse; table-layout: fixed; }
.sheet > * > tr > td { padding: 0; }
h1 { font-size: 18pt; text-align: center; letter-spacing: .2em; margin: 0 0 2mm; line-height: 1.4; }
h2 { font-size: 12pt; margin: 5mm 0 1.5mm; break-after: avoid; }
p { margin: 0 0 1.5mm; text-align: justify; overflow-wrap: anywhere; white-space: pre-line; line-break: strict; }
.number { text-align: center; font-size: 9pt; color: #555; margin-bottom: 5mm; }
.indent { text-indent: 2em; }
.note { font-size: 9pt; color: #333; line-height: 1.6; }
.item { display: flex; gap: .4em; margin-bottom: 1.5mm; }
.item > span:first-child { flex: none; }
.item > span:last-child { flex: 1; overflow-wrap: anywhere; white-space: pre-line; text-align: justify; }
.blank { border-bottom: .3mm solid #000; min-height: 1.75em; }
.field { display: flex; align-items: flex-end; margin-bottom: 2mm; break-inside: avoid; }
.field .value { border-bottom: .3mm solid #000; width: 90mm; min-height: 1.75em; padding: 0 1mm; overflow-wrap: anywhere; }
.signed { margin: 8mm 0 0 auto; width: 80mm; break-inside: avoid; }
.data { width: 100%; border-collapse: collapse; table-layout: fixed; font-size: 9pt; line-height: 1.5; margin: 1mm 0 3mm; }
.data th, .data td { border: .25mm solid #555; padding: .8mm 1.2mm; text-align: left; vertical-align: top; overflow-wrap: anywhere; word-break: normal; white-space: pre-line; }
.data th { background: #eee; }
.data tr { break-inside: avoid; }
.data td:empty::after { content: "\00a0"; }
.foot { border-top: .25mm solid #999; margin-top: 4mm; padding-top: 3mm; font-size: 10pt; line-height: 1.5; }
.foot .sign { display: flex; gap: 4mm; }
.foot .sign span { flex: 1; display: flex; white-space: nowrap; }
.foot .sign span::after { content: ""; flex: 1; border-bottom: .3mm solid #000; height: 1.4em; }
.foot .small { font-size: 8pt; color: #555; margin-top: 1.5mm; }
@media screen { .sheet { width: 210mm; margin: 8mm auto; background: #fff; box-shadow: 0 0 3mm #999; border-collapse: separate; border-spacing: 0; } .sheet > * > tr > td { padding: 0 20mm; } .sheet > tbody > tr > td { padding-top: 18mm; } .sheet > tfoot > tr > td { padding-bottom: 12mm; } }
@media print { html { background: none; } h2, .foot { -webkit-print-color-adjust: exact; print-color-adjust: exact; } }
</style>
</head>
<body>
<table class="sheet">
<tfoot><tr><td><div class="foot">{% if !document.signatures.is_empty() %}<div class="sign">{% for label in document.signatures %}<span>{{ label }}：</span>{% endfor %}</div>{% endif %}<div class="small">{{ document.title }}　编号：{{ document.number }}</div></div></td></tr></tfoot>
<tbody><tr><td>
<h1>{{ document.title }}</h1>
<p class="number">编号：{{ document.number }}　生成时间：{{ made }}</p>
{% for block in document.blocks %}{% match block %}
{% when Block::Heading with (text) %}<h2>{{ text }}</h2>
{% when Block::Paragraph with (text) %}<p class="indent">{{ text }}</p>
{% when Block::Line with (text) %}<p>{{ text }}</p>
{% when Block::Note with (text) %}<p class="note">{{ text }}</p>
{% when Block::Item with { mark, text } %}<div class="item"><span>{{ mark }}</span><span{% if text.is_empty() %} class="blank"{% endif %}>{{ text }}</span></div>
{% when Block::Fields with (fields) %}{% for field in fields %}<div class="field"><span>{{ field.label }}：</span><span class="value">{{ field.value }}</span></div>
{% endfor %}{% when Block::Signed with (lines) %}<div class="signed">{% for line in lines %}<p>{{ line }}</p>{% endfor %}</div>
{% when Block::Table with (table) %}<table class="data"><colgroup>{% for column in table.columns %}<col style="width:{{ self.percent(table, column.width) }}%">{% endfor %}</colgroup><thead><tr>{% for column in table.columns %}<th>{{ column.head }}</th>{% endfor %}</tr></thead><tbody>
{% for row in table.rows %}<tr>{% for cell in row %}<td>{{ cell }}</td>{% endfor %}</tr>
{% endfor %}</tbody></table>
{% endmatch %}{% endfor %}
</td></tr></tbody>
</table>
</body>
</html>
"#
)]
struct Page<'a> {
    document: &'a Document,
    made: String,
}

impl Page<'_> {
    fn percent(&self, table: &super::document::Table, width: &u16) -> String {
        let total: f64 = table.columns.iter().map(|column| f64::from(column.width)).sum();
        format!("{:.2}", f64::from(*width) * 100.0 / total.max(1.0))
    }
}

/// The page's text.
pub(super) fn render(document: &Document) -> String {
    let page = Page { document, made: words::time(document.made) };
    // It fails only if writing to a string does.
    let html = page.render().unwrap_or_default();
    printable(&html)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control_plane::report::document::{Field, Table};

    #[test]
    fn what_a_stranger_wrote_is_text_and_nothing_else() {
        let evil = "<script>alert(1)</script>\"'&\u{202e}\0";
        let mut table = Table::new([("头", 1)]);
        table.row([evil.to_owned()]);
        let blocks = vec![
            Block::heading(evil),
            Block::paragraph(evil),
            Block::Line(evil.into()),
            Block::Note(evil.into()),
            Block::Item { mark: evil.into(), text: evil.into() },
            Block::Fields(vec![Field::new(evil, evil)]),
            Block::Signed(vec![evil.into()]),
            Block::Table(table),
        ];
        let document = Document {
            title: evil.into(),
            number: evil.into(),
            blocks,
            signatures: vec!["签字"],
            ..Document::default()
        };
        let html = render(&document);
        assert!(!html.contains("<script"), "{html}");
        assert!(!html.contains(['\u{202e}', '\0']));
        assert_eq!(html.matches("&#60;script&#62;").count(), 16, "{html}");
    }
}
