//! One shape for records that come as JSON or as XML: a tree of objects, arrays and strings.
//!
//! XML becomes what the Opendatasoft publisher makes of it: attributes as `@name`, text beside attributes as `#text`,
//! repeated elements as arrays, empty elements as `""`. Names are matched without their namespace prefix, and every
//! step of a path may be one object or many.

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};
use serde_json::{Map, Value};

/// Deepest nesting accepted; real notices stay under 30.
const MAX_DEPTH: usize = 200;

/// Most attributes of one element; real notices stay under 20.
const MAX_ATTRIBUTES: usize = 256;

/// Most elements of a document, and most values of one in JSON: the longest notices hold some ten thousand, and each takes a hundred
/// times the room that it is written in.
const MAX_VALUES: usize = 200_000;

/// XML that is no tree.
#[derive(Debug, thiserror::Error)]
pub enum XmlError {
    /// Not well formed.
    #[error("XML mal formé à l’octet {at} : {why}")]
    Malformed {
        /// Byte offset.
        at: u64,
        /// Why.
        why: String,
    },
    /// Nested too deep to be a notice.
    #[error("XML imbriqué sur plus de {MAX_DEPTH} niveaux")]
    TooDeep,
    /// More attributes than any notice has.
    #[error("XML : plus de {MAX_ATTRIBUTES} attributs à un élément")]
    TooManyAttributes,
    /// More elements than any notice or feed has.
    #[error("XML : plus de {MAX_VALUES} éléments")]
    TooMany,
    /// No element at all.
    #[error("aucun élément XML")]
    Empty,
}

/// Reads XML into a tree: an object with the root element as its only key. Entities other than the five of XML and
/// character references are left out; document types are not read, so no entity can grow.
///
/// # Errors
/// The text is not well-formed XML, or nested beyond any real notice.
pub fn from_xml(bytes: &[u8]) -> Result<Value, XmlError> {
    let document = crate::charset::repair_xml(&crate::charset::decode_xml(bytes));
    let mut reader = Reader::from_str(&document);
    let mut stack: Vec<(String, Map<String, Value>, String)> = vec![(String::new(), Map::new(), String::new())];
    let mut elements = 0;
    loop {
        let at = reader.buffer_position();
        let malformed = |why: String| XmlError::Malformed { at, why };
        let event = reader.read_event().map_err(|e| malformed(e.to_string()))?;
        count(&event, &mut elements)?;
        match event {
            Event::Start(start) => {
                if stack.len() > MAX_DEPTH {
                    return Err(XmlError::TooDeep);
                }
                bounded(&start)?;
                stack.push((local_name(&start), attributes(&start), String::new()));
            }
            Event::Empty(start) => {
                bounded(&start)?;
                let value = leaf(attributes(&start), String::new());
                if let Some((_, parent, _)) = stack.last_mut() {
                    insert(parent, local_name(&start), value);
                }
            }
            Event::End(_) => {
                let Some((name, object, text)) = stack.pop() else { return Err(malformed("fin sans début".into())) };
                let Some((_, parent, _)) = stack.last_mut() else { return Err(malformed("fin sans début".into())) };
                insert(parent, name, leaf(object, text));
            }
            Event::Text(text) => {
                if let Some((_, _, known)) = stack.last_mut() {
                    known.push_str(&text);
                }
            }
            Event::CData(text) => {
                if let Some((_, _, known)) = stack.last_mut() {
                    known.push_str(&text);
                }
            }
            Event::GeneralRef(reference) => {
                if let Some((_, _, known)) = stack.last_mut() {
                    known.push_str(&entity(&reference));
                }
            }
            Event::Eof => break,
            _ => {}
        }
    }
    match stack.pop() {
        Some((_, root, _)) if stack.is_empty() && !root.is_empty() => Ok(Value::Object(root)),
        Some(_) if stack.is_empty() => Err(XmlError::Empty),
        _ => Err(XmlError::Malformed {
            at: reader.buffer_position(),
            why: "élément non fermé (fichier tronqué ?)".into(),
        }),
    }
}

/// Counts an element.
fn count(event: &Event<'_>, elements: &mut usize) -> Result<(), XmlError> {
    *elements += usize::from(matches!(event, Event::Start(_) | Event::Empty(_)));
    if *elements > MAX_VALUES { Err(XmlError::TooMany) } else { Ok(()) }
}

/// JSON of more values than any answer has.
#[derive(Debug, thiserror::Error)]
#[error("JSON : plus de {MAX_VALUES} valeurs")]
pub struct TooManyValues;

/// Whether JSON holds no more values than an answer may: to be asked before it is read.
///
/// # Errors
/// It holds more.
pub fn check_json(bytes: &[u8]) -> Result<(), TooManyValues> {
    let (mut values, mut quoted, mut escaped) = (0usize, false, false);
    for byte in bytes {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b'[' | b'{' | b',' if !quoted => values += 1,
            _ => {}
        }
    }
    if values > MAX_VALUES { Err(TooManyValues) } else { Ok(()) }
}

/// A tree out of JSON, also as servers write it who do not keep to the standard.
///
/// # Errors
/// It is no JSON, nor what can be mended of it.
pub fn from_json(bytes: &[u8]) -> serde_json::Result<Value> {
    serde_json::from_slice(bytes).or_else(|e| match vigie_domain::json::mended(bytes) {
        Some(mended) => serde_json::from_slice(&mended),
        None => Err(e),
    })
}

/// Whether a document is nested and written within bounds: to be asked before a library reads it that has none. Of elements with
/// one of these names there are at most so many.
///
/// # Errors
/// It is nested, or its elements are loaded with attributes, beyond any real notice. A document that is not well formed is
/// left to its reader.
pub fn check(document: &str, (names, most): (&[&str], usize)) -> Result<(), XmlError> {
    let mut reader = Reader::from_str(document);
    reader.config_mut().check_end_names = false;
    let (mut depth, mut elements, mut named) = (0usize, 0, 0);
    loop {
        let event = reader.read_event();
        if let Ok(event) = &event {
            count(event, &mut elements)?;
            if let Event::Start(start) | Event::Empty(start) = event {
                named += usize::from(names.contains(&start.local_name().as_ref()));
            }
            if named > most {
                return Err(XmlError::TooMany);
            }
        }
        match event {
            Ok(Event::Start(start)) => {
                bounded(&start)?;
                depth += 1;
                if depth > MAX_DEPTH {
                    return Err(XmlError::TooDeep);
                }
            }
            Ok(Event::Empty(start)) => bounded(&start)?,
            Ok(Event::End(_)) => depth = depth.saturating_sub(1),
            Ok(Event::Eof) | Err(_) => return Ok(()),
            Ok(_) => {}
        }
    }
}

/// An attribute holds an equals sign: their number bounds that of attributes.
fn bounded(start: &BytesStart<'_>) -> Result<(), XmlError> {
    let written = start.as_bytes();
    let signs = memchr::memchr_iter(b'=', written).count();
    // Values hold equals signs too: only where there are many are attributes counted one by one.
    if signs > MAX_ATTRIBUTES && start.attributes().with_checks(false).count() > MAX_ATTRIBUTES {
        return Err(XmlError::TooManyAttributes);
    }
    Ok(())
}

fn entity(reference: &quick_xml::events::BytesRef<'_>) -> String {
    if let Ok(Some(c)) = reference.resolve_char_ref() {
        return c.to_string();
    }
    match reference.as_ref() {
        "lt" => "<".into(),
        "gt" => ">".into(),
        "amp" => "&".into(),
        "apos" => "'".into(),
        "quot" => "\"".into(),
        "nbsp" => "\u{a0}".into(),
        _ => String::new(),
    }
}

fn local_name(start: &BytesStart<'_>) -> String {
    start.local_name().as_ref().to_owned()
}

fn attributes(start: &BytesStart<'_>) -> Map<String, Value> {
    start
        .attributes()
        .with_checks(false)
        .flatten()
        .filter(|a| !a.key.as_ref().starts_with("xmlns"))
        .map(|a| (format!("@{}", a.key.local_name().as_ref()), Value::String(a.value.to_string())))
        .collect()
}

fn leaf(mut object: Map<String, Value>, text: String) -> Value {
    let text = text.trim();
    if object.is_empty() {
        return Value::String(text.to_owned());
    }
    if !text.is_empty() {
        object.insert("#text".into(), Value::String(text.to_owned()));
    }
    Value::Object(object)
}

fn insert(parent: &mut Map<String, Value>, name: String, value: Value) {
    match parent.get_mut(&name) {
        None => {
            parent.insert(name, value);
        }
        Some(Value::Array(many)) => many.push(value),
        Some(one) => {
            let first = one.take();
            *one = Value::Array(vec![first, value]);
        }
    }
}

/// The key without its namespace prefix.
#[must_use]
pub fn local(key: &str) -> &str {
    key.rsplit(':').next().unwrap_or(key)
}

/// Every value at a `/`-separated path of local names; arrays on the way are gone through.
#[must_use]
pub fn all<'a>(value: &'a Value, path: &str) -> Vec<&'a Value> {
    let mut found = spread(value);
    for step in path.split('/').filter(|s| !s.is_empty()) {
        found = found.into_iter().flat_map(|v| children(v, step)).flat_map(spread).collect();
    }
    found
}

/// The first value at a path.
#[must_use]
pub fn first<'a>(value: &'a Value, path: &str) -> Option<&'a Value> {
    all(value, path).into_iter().next()
}

/// The first text at a path, white space trimmed; `None` when absent or empty.
#[must_use]
pub fn text(value: &Value, path: &str) -> Option<String> {
    let found = all(value, path);
    let french = found.iter().find(|v| v.get("@languageID").and_then(Value::as_str) == Some("FRA"));
    french.into_iter().chain(found.iter()).find_map(|v| own_text(v))
}

/// The text of this very value.
#[must_use]
pub fn own_text(value: &Value) -> Option<String> {
    let text = match value {
        Value::String(s) => s.clone(),
        Value::Number(n) => n.to_string(),
        Value::Object(o) => o.get("#text").and_then(Value::as_str)?.to_owned(),
        _ => return None,
    };
    let text = text.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

/// Whether a key stands at the path: in forms an empty element is a ticked box.
#[must_use]
pub fn ticked(value: &Value, path: &str) -> bool {
    let (parent, key) = path.rsplit_once('/').unwrap_or(("", path));
    all(value, parent)
        .iter()
        .any(|v| v.as_object().is_some_and(|o| o.iter().any(|(k, v)| local(k) == key && !v.is_null())))
}

fn children<'a>(value: &'a Value, name: &str) -> Vec<&'a Value> {
    match value {
        Value::Object(o) => o.iter().filter(|(k, v)| local(k) == name && !v.is_null()).map(|(_, v)| v).collect(),
        _ => Vec::new(),
    }
}

fn spread(value: &Value) -> Vec<&Value> {
    match value {
        Value::Array(many) => many.iter().collect(),
        Value::Null => Vec::new(),
        one => vec![one],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn xml_becomes_what_the_api_publishes() {
        let tree = from_xml(b"<a xmlns:c='x'><c:b w='1'>t&amp;u</c:b><c:b/><d><![CDATA[x<y]]></d></a>").unwrap();
        assert_eq!(tree, serde_json::json!({"a": {"b": [{"@w": "1", "#text": "t&u"}, ""], "d": "x<y"}}));
    }

    #[test]
    fn truncated_xml_is_an_error_and_not_half_a_record() {
        assert!(from_xml(b"<a><b>").is_err());
        assert!(from_xml(b"hello").is_err());
        assert!(from_xml("<a>".repeat(5000).as_bytes()).is_err());
    }

    /// B4: what is made of a document is bounded by the number of its values, not by its bytes alone.
    #[test]
    fn documents_of_more_values_than_any_notice_are_refused() {
        for piece in ["<a/>", "<b></b>", "<c x='1'/>"] {
            let document = format!("<r>{}</r>", piece.repeat(MAX_VALUES + 1));
            assert!(matches!(from_xml(document.as_bytes()), Err(XmlError::TooMany)), "{piece}");
            assert!(matches!(check(&document, (&[], 0)), Err(XmlError::TooMany)), "{piece}");
        }
        let few = format!("<r>{}</r>", "<item/>".repeat(11));
        assert!(check(&few, (&["item"], 11)).is_ok() && check(&few, (&["item"], 10)).is_err());
        for piece in ["0,", "{},", "\"a\":[],", "[[[]]],"] {
            assert!(check_json(piece.repeat(MAX_VALUES + 1).as_bytes()).is_err(), "{piece}");
        }
        let text = format!("{{\"a\": \"{}\"}}", "[{,\\\"".repeat(MAX_VALUES));
        assert!(check_json(text.as_bytes()).is_ok(), "what stands in words is no value");
    }

    #[test]
    fn an_entity_bomb_does_not_grow() {
        let bomb = b"<!DOCTYPE a [<!ENTITY x \"yyyyyyyyyy\"><!ENTITY z \"&x;&x;\">]><a>&z;&z;</a>";
        assert_eq!(from_xml(bomb).unwrap(), serde_json::json!({"a": "&z;&z;"}), "unknown names stay words");
    }

    #[test]
    fn one_or_many_read_alike() {
        let one = serde_json::json!({"x:lots": {"lot": {"id": "1"}}});
        let many = serde_json::json!({"lots": {"lot": [{"id": "1"}, {"id": "2"}]}});
        assert_eq!(all(&one, "lots/lot/id").len(), 1);
        assert_eq!(all(&many, "lots/lot/id").len(), 2);
        assert!(ticked(&serde_json::json!({"a": {"non": ""}}), "a/non"));
    }
}
