//! Names of HTML elements, by what they do to the words inside.

/// Elements before and behind which an empty line stands.
pub(super) const PARAGRAPHS: &[&str] = &[
    "p",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "table",
    "ul",
    "ol",
    "dl",
    "menu",
    "pre",
    "blockquote",
    "form",
    "fieldset",
    "hr",
];

/// Elements that stand on lines of their own.
pub(super) const BLOCKS: &[&str] = &[
    "div",
    "li",
    "tr",
    "dt",
    "dd",
    "address",
    "article",
    "aside",
    "body",
    "caption",
    "center",
    "details",
    "dir",
    "figcaption",
    "figure",
    "footer",
    "header",
    "html",
    "legend",
    "main",
    "nav",
    "option",
    "optgroup",
    "search",
    "section",
    "summary",
    "tbody",
    "tfoot",
    "thead",
    "hgroup",
    "dialog",
    "frameset",
    "select",
    "textarea",
    "br",
];

/// Elements whose content is no text for readers.
pub(super) const SILENT: &[&str] =
    &["script", "style", "template", "iframe", "noembed", "noframes", "title", "object", "video", "audio"];

/// Elements that hold nothing.
pub(super) const VOID: &[&str] = &[
    "area", "base", "basefont", "bgsound", "br", "col", "embed", "frame", "hr", "img", "input", "keygen", "link",
    "meta", "param", "source", "track", "wbr",
];

/// Elements whose words are struck out: they hold no more.
pub(super) const STRUCK: &[&str] = &["del", "s", "strike"];

/// Elements that the next one of their name ends, where their own end is left out.
pub(super) const IMPLIED_END: &[&str] = &["p", "li", "tr", "td", "th", "dt", "dd", "option"];

/// Other elements of HTML, old ones included.
pub(super) const INLINE: &[&str] = &[
    "a",
    "abbr",
    "acronym",
    "area",
    "applet",
    "b",
    "base",
    "basefont",
    "bdi",
    "bdo",
    "bgsound",
    "big",
    "blink",
    "button",
    "canvas",
    "cite",
    "code",
    "col",
    "colgroup",
    "data",
    "datalist",
    "del",
    "dfn",
    "em",
    "embed",
    "font",
    "frame",
    "head",
    "i",
    "image",
    "img",
    "input",
    "ins",
    "kbd",
    "label",
    "link",
    "map",
    "mark",
    "marquee",
    "math",
    "meta",
    "meter",
    "nobr",
    "noscript",
    "output",
    "param",
    "picture",
    "plaintext",
    "progress",
    "q",
    "rb",
    "rp",
    "rt",
    "rtc",
    "ruby",
    "s",
    "samp",
    "slot",
    "small",
    "source",
    "span",
    "strike",
    "strong",
    "sub",
    "sup",
    "svg",
    "td",
    "th",
    "time",
    "track",
    "tt",
    "u",
    "var",
    "wbr",
    "xml",
    "xmp",
    "listing",
    // What drawings and formulas are made of.
    "path",
    "g",
    "circle",
    "rect",
    "line",
    "polyline",
    "polygon",
    "ellipse",
    "defs",
    "use",
    "text",
    "tspan",
    "symbol",
    "clippath",
    "mask",
    "desc",
    "image",
    "mi",
    "mo",
    "mn",
    "mrow",
    "msup",
    "msub",
    "mfrac",
];

/// Whether a name, in small letters, is an element's: of HTML, of a page's own (`my-card`), or of an office program (`o:p`).
pub(super) fn is_element(name: &str) -> bool {
    let prefixed = || {
        name.split_once(':')
            .is_some_and(|(prefix, local)| prefix.len() <= 4 && local.starts_with(|c: char| c.is_ascii_alphabetic()))
    };
    let own = || name.contains('-') && !name.contains(['@', '.', '/']);
    PARAGRAPHS.contains(&name)
        || BLOCKS.contains(&name)
        || SILENT.contains(&name)
        || INLINE.contains(&name)
        || own()
        || prefixed()
}
