//! Tricks to get past the scan or the gate, what is done about each, and the test that shows it.
//!
//! # In the text
//!
//! | trick | countermeasure | test |
//! | --- | --- | --- |
//! | spaces, punctuation, emoji between the characters | noise within `gap` ([`LaneStream`](crate::engine::matcher::LaneStream)) | `a_hit_is_seen_in_every_charset_and_disguise` |
//! | markup between the characters, cells of a table | lanes without markup, soft edges ([`Edge`](crate::engine::text::Edge)) | `a_hit_is_seen_in_every_charset_and_disguise` |
//! | zero-width characters, fillers, soft hyphens, variation selectors, tags, bidi controls, tatweel | free characters ([`Folded::Free`](crate::engine::text::fold::Folded)) | `what_is_not_shown_is_free`, `what_is_not_shown_changes_no_phrase` |
//! | marks over and through the letters (Zalgo) | free characters | `what_is_not_shown_is_free` |
//! | character references (`&#23478;`, `&nbsp;`) | resolved as HTML says, in text and attributes | `a_hit_is_seen_in_every_charset_and_disguise` |
//! | traditional characters, radicals, enclosed forms | compatibility forms and OpenCC's table, in text and rules alike | `what_reads_alike_folds_alike`, `opencc_agrees_on_traditional_and_simplified` |
//! | the same trick the other way: 乾 for 干, 著 for 着 | kept apart character by character; a phrase is also found with the other where the words say that they are the same | `false_friends_keep_apart`, `ambiguous_characters_are_the_same_where_they_are` |
//! | variants, Japanese forms, 火星文 (莪 for 我, 湜 for 是) | tables of forms that have no life of their own in normal text | `ideographs_in_another_form_are_the_same`, `normal_text_is_changed_rarely` |
//! | full width, capitals, accents, letters in any style (𝓐 🅰 Ⓐ ᴀ ⒜ 🇦) | NFKD, lower case, marks dropped, a table of styles | `letters_in_any_style_are_letters` |
//! | letters of other scripts (сasіnо) | Unicode's confusables that are one Latin letter, in text and rules alike | `letters_of_other_scripts_are_what_they_look_like` |
//! | digits in any style (⑥ ❻ ⁶ 6️⃣ ६), numerals (㈥ 〦 柒) | decimal values, a table of styles | `digits_in_any_style_are_digits` |
//! | numerals for digits and the other way (6合彩, 陆合彩, 28杠, 十八禁) | variants of the phrase, unless it is nothing but numerals (6.4 is not 六四, 大陆 not 大六) | `numerals_are_found_in_every_style`, `numbers_are_not_what_is_nothing_but_numerals` |
//! | characters written as two (贝者 for 赌, 氵每 for 海), Hangul as letters | variants of the phrase | `a_character_written_as_two_is_found` |
//! | words letter by letter (c-a-s-i-n-o) | a variant of the phrase, for words of four letters and more | `a_word_written_letter_by_letter_is_found` |
//! | characters of the same sound, pinyin with and without tones, in one word or in syllables | the reading [`Sounds`](crate::engine::text::fold::Reading::Sounds), for rules that ask for it | `what_sounds_alike_is_one_syllable` |
//! | leetspeak (ca$1n0) | the reading [`Leet`](crate::engine::text::fold::Reading::Leet), for rules that ask for it | `signs_and_digits_are_letters_in_leetspeak` |
//! | the phrase in an attribute or in the title | the attribute lane; a title is text | `a_hit_is_seen_in_every_charset_and_disguise` |
//! | noise that the page's own styles hide: `style`, `hidden`, classes and ids of a `<style>` element, alone or within others (`.z > .x`), `<template>`, `<noscript>` | a stream of its own ([`Stream::Hidden`](crate::engine::text::Stream::Hidden)): neither between the characters shown nor lost | `hidden_text_does_not_interrupt_and_is_not_lost`, `simple_selectors_hide`, `selectors_ask_for_what_is_around`, `what_cannot_be_seen_is_told_from_what_can` |
//! | elements closed in the wrong order, or not at all, so that shown text passes for hidden | open elements as the tree builder keeps them | `hidden_elements_end_where_a_browser_ends_them` |
//! | stray end tags and table tags within a word | a word ends only where a browser puts a box or a line | `words_end_where_a_browser_ends_them` |
//! | pinyin over the characters (`<rt>`) | annotations are beside the line | `hidden_text_does_not_interrupt_and_is_not_lost` |
//! | text that a style sheet puts in (`content:`), CSS escapes | strings of `content` are text, escapes are resolved | `strings_of_content_are_shown`, `style_sheets_and_style_attributes_are_read` |
//! | a document within an attribute (`srcdoc`), a feed's CDATA or escaped markup | read as HTML of its own | `documents_within_documents_are_read` |
//! | entities that an XML document declares itself | resolved when they are declared, bounded | `values_are_resolved_once_and_bounded`, `documents_within_documents_are_read` |
//! | percent-encoded links, `javascript:` and `data:` URLs, escapes in event handlers | read as address, script or document | `urls_and_event_handlers_are_read_as_what_they_are`, `each_scheme_is_read_as_browsers_read_it` |
//! | markup that only looks like a tag, a comment or a script's end | the tokenizer agrees with html5lib's cases | `the_tokenizer_agrees_with_html5lib` |
//! | the phrase in a JSON document | strings are read for the text lane's rules | `plain_text_json_and_xml_are_read_too` |
//! | escapes in scripts and JSON (`\u767e`, `\x41`) | resolved in the script lane ([`engine::text`](crate::engine::text)) | `plain_text_json_and_xml_are_read_too` |
//! | a script that puts strings together: `"百"+"家"`, `.concat`, `["百","家"].join("")`, template literals | a light lexer joins what nothing but operators and comments separates; what is apart stays apart | `scripts_are_read_as_they_put_strings_together`, `strings_that_are_apart_stay_apart` |
//! | `unescape("%u767e")`, `decodeURIComponent`, `atob`, `String.fromCharCode`, `.reverse()` | decoded where they stand | `scripts_are_read_as_they_put_strings_together`, `what_was_escaped_comes_back` |
//! | markup, character references, percent-encoding within strings of scripts and JSON | read as the document that they become | `scripts_are_read_as_they_put_strings_together`, `json_strings_are_read_as_pages_show_them` |
//! | an event stream that carries JSON or HTML, a line at a time | each event is read as what its data begins with | `events_carry_documents` |
//! | parts of a multipart body in other charsets and transfer encodings | each part is read by its own head | `parts_are_documents` |
//! | percent-encoded forms, as UTF-8 or GBK | decoded, values apart | `forms_are_decoded` |
//! | Markdown's emphasis and links between the characters | signs that show nothing are free, targets are attributes | `markdown_shows_what_it_shows` |
//! | repeated characters (百百家家乐乐) | an ideograph in the text may stand up to seven times more than in the phrase | `repeated_ideographs_are_one` |
//! | letters drawn out (casssino, cooooool) | a letter three times in a row or oftener stands for two of it or for one, in words that are no phrase's as they stand | `a_word_with_letters_drawn_out_is_the_word` |
//! | right-to-left overrides: `\u{202E}乐家百` displays 百家乐, and so do `<bdo dir=rtl>` and `unicode-bidi: bidi-override` | such stretches are read in the order of display | `text_is_read_as_it_is_displayed`, `markup_turns_text_round_as_controls_do`, `every_character_keeps_its_place` |
//! | sequences that only some decoders read | every sequence of GB18030, Big5, EUC-KR and Shift_JIS, and html5lib's cases for finding the charset | `every_sequence_of_the_charsets_is_decoded`, `the_charset_is_found_as_html_says` |
//! | another charset, declared or not, with or without BOM | the browser's order: BOM, header, `<meta>`, guess | `every_charset_is_read` |
//! | no Content-Type, or a meaningless one | read as HTML unless it looks binary ([`Media::Unknown`](crate::engine::text::Media)) | `content_types_as_servers_write_them` |
//! | a word that only contains the forbidden one, to get an innocent page blocked | words match whole | `a_hit_is_seen_in_every_charset_and_disguise` |
//! | an innocent longer word beside the forbidden one, to excuse it (三黄片 for 黄片) | an exception covers only what lies inside it ([`engine::rules`](crate::engine::rules)) | `the_longest_exception_wins`, `exceptions_are_those_of_the_definition` |
//! | police, courts and warnings in hidden text, to excuse what is shown | two views of each page, of which the worse counts ([`Tally`](crate::engine::rules::Tally)) | `what_is_hidden_excuses_nothing_that_is_shown`, `hiding_more_never_lowers_the_score` |
//! | digits or noise within what a rule's `regex` asks for | the regex sees the folded text as well | `a_window_is_seen_as_written_and_folded` |
//!
//! # In the transfer
//!
//! | trick | countermeasure | test |
//! | --- | --- | --- |
//! | the phrase across two packets, or one byte a packet | streaming scan | `chunks_never_matter`, `a_phrase_across_two_packets_does_not_slip_through` |
//! | the phrase across two blocks of a coding, or two gzip members | the decoder reads all members and frames | `chunks_never_matter_under_a_coding`, `what_was_encoded_comes_back` |
//! | `deflate` as raw deflate, stacked codings | read as browsers read them | `raw_deflate_that_begins_like_zlib_is_still_read`, `every_coding_is_undone_for_reading_and_kept_for_sending` |
//! | a wrong checksum, bytes behind the stream | not compared, ignored: browsers show the text | `gzip_framing_is_read_as_browsers_read_it` |
//! | a decompression bomb, to exhaust the scan | limits on size and ratio, counted as `over_budget` | `a_decompression_bomb_costs_little`, `what_cannot_be_read_is_counted_and_passed_or_blocked` |
//! | a coding that nobody can undo | read as it is if it looks like text, as a browser shows it; otherwise counted, passed or blocked as configured | `what_cannot_be_read_is_counted_and_passed_or_blocked`, `what_a_browser_shows_is_read_whatever_the_head_says` |
//! | a meaningless Content-Type, or two | what says nothing is read as HTML; of several the last counts | `what_a_browser_shows_is_read_whatever_the_head_says` |
//! | a charset that is declared late, or not at all behind much ASCII | looked for in 16 KiB; the guess waits for the first byte that is not ASCII | `the_charset_is_found_where_it_is_late_or_undeclared` |
//! | `<svg><style/>`, `<noscript><!--`, to hide the rest of a page from the scan | the tokenizer knows foreign content, and scripting is on | `the_tokenizer_goes_where_a_browser_goes` |
//! | the phrase behind the hold | the connection is cut before it, the page locked | `no_byte_of_a_late_match_leaves`, `a_late_hit_cuts_the_connection_before_the_phrase` |
//! | drip: a byte now and then, so that holding is given up | what is given up is the hold, not the scan | `what_comes_within_the_hold_time_can_still_be_refused`, `the_head_does_not_wait_for_a_page_that_stops_half_way` |
//! | ranges, so that no answer holds the whole phrase | `Range` is not forwarded where the path looks like text | `ranges_pass_one_by_one_and_not_of_text` |
//! | an error page or a trailer instead of a page | bodies are read whatever the status | `errors_of_the_origin_are_read_like_everything_else` |
//! | an event stream | scanned from the first byte; only what may begin a match waits | `an_event_stream_never_waits_for_more`, `an_event_stream_is_cut_at_a_hit` |
//!
//! # At the gate
//!
//! | trick | countermeasure | test |
//! | --- | --- | --- |
//! | two Hosts, a Host and another authority in the target | refused | `there_is_exactly_one_host`, `one_host_is_named_exactly_once` |
//! | another spelling: capitals, a dot at the end, a port, punycode, full-width dots | one canonical [`HostName`](crate::base::HostName) | `what_a_browser_would_ask_for_is_one_name`, `every_spelling_of_a_filed_host_reaches_its_origin` |
//! | an address in another spelling (`127.1`, `0x7f.1`) | no address passes for a name | `no_address_passes_for_a_name` |
//! | a filed name in the handshake, another in the Host | 421 unless the certificate covers the Host | `the_wrong_certificate_is_misdirected` |
//! | smuggling: lengths that contradict each other, odd Transfer-Encodings, bare line feeds | refused, never repaired; the head is built afresh | `framing_has_one_reading`, `two_ways_to_end_a_body_are_refused`, `lines_that_servers_read_differently_are_refused` |
//! | `Content_Length`, `X-Forwarded.For` | fields that imitate an important one are refused | `fields_have_one_name_and_one_line` |
//! | `Connection: X-Forwarded-For`, to have a field removed | refused | `connection_removes_what_it_may` |
//! | the body of a refused request as the next request | drained or the connection ends | `the_body_of_a_refused_request_is_never_read_as_a_request` |
//! | an upgrade to h2c, to send requests through the tunnel | ignored, so the request stays a request | `upgrades_are_whole_or_ignored` |
//! | a fake `X-Forwarded-For` | replaced by what was seen | `what_a_client_says_of_itself_is_not_believed` |
//!
//! # Not yet countered
//!
//! Who writes rules should know what they do not see. Phrases can be added for the common spellings of
//! each; there is no general answer in this version to:
//!
//! - **homophones and leetspeak in rules that do not ask for them**; look-alikes that are words of
//!   their own (睹 for 赌, 人 for 入), kana for Han (エ for 工), two letters for one (rn for m);
//! - **initials** of a phrase's pinyin (db for 赌博);
//! - **characters described in words**, and split ones that are not in the table or whose parts stand
//!   side by side in normal text (女子 for 好);
//! - **letters between ideographs** (百a家b乐), letters twice (cassino), text written in columns;
//! - **text that is turned round** for the reader to turn, or by a script;
//! - **noise wider than the rule's `gap`**;
//! - **text that is not in the text**: images, video, fonts with exchanged glyphs, PDF and office
//!   files (media types that are not text are counted as `opaque_media_type`);
//! - **text made in the browser**: scripts that put strings together in ways of their own;
//! - **text in pieces that a script reads one after the other**: events that carry a character each,
//!   strings in variables of their own;
//! - **style sheets from elsewhere**, and selectors that ask for more than an element, alone or in one other: what
//!   they hide is taken for shown, what they show again for hidden where only its parents' font size,
//!   colour or visibility says so (hidden text is scanned, but by itself);
//! - **another order on the screen than in the source**, by style sheets (`row-reverse`, `order`,
//!   places that are given);
//! - **a page that differs by reader**: an origin that recognises Zhamen may show it something else
//!   only if it shows it to all its visitors, for they come the same way; but a lock is on one path and
//!   query (see [`threat_model`](super::threat_model));
//! - **WebSocket and other tunnels**: counted as uninspected, or refused with `scan.on.upgrade`;
//! - **request bodies** of sites whose interactive sections are `open`: what is posted is read where a site is
//!   `filtered`, and otherwise when it is shown.
