//! JSON as servers write it where they do not keep to RFC 8259: readers refuse a whole document for one sign of it, and with it
//! every record that is right. And what its readers complain of, in French.

/// The document as the standard wants it; `None` where nothing of what is mended here is wrong with it.
///
/// Half a surrogate pair that stands without the other (§8.2) becomes U+FFFD; a control character, a space, or within words the escape
/// of what it is (§7); `NaN` and `Infinity`, which are no numbers (§6), become `null`; a byte-order mark goes (§8.1).
#[must_use]
pub fn mended(json: &[u8]) -> Option<Vec<u8>> {
    let bare = json.strip_prefix(b"\xef\xbb\xbf").unwrap_or(json);
    let mut out = Vec::new();
    let (mut copied, mut at, mut quoted) = (0, 0, false);
    while let Some(byte) = bare.get(at) {
        let (taken, instead): (usize, Option<&[u8]>) = match byte {
            b'\\' if quoted => escape(bare, at),
            b'"' => {
                quoted = !quoted;
                (1, None)
            }
            b'\n' if quoted => (1, Some(b"\\n")),
            b'\r' if quoted => (1, Some(b"\\r")),
            b'\t' if quoted => (1, Some(b"\\t")),
            b'\n' | b'\r' | b'\t' => (1, None),
            0..0x20 => (1, Some(b" ")),
            b'-' | b'N' | b'I' if !quoted => no_number(&bare[at..]),
            _ => (1, None),
        };
        if let Some(instead) = instead {
            out.extend_from_slice(&bare[copied..at]);
            out.extend_from_slice(instead);
            copied = at + taken;
        }
        at += taken;
    }
    if copied == 0 && bare.len() == json.len() {
        return None;
    }
    out.extend_from_slice(bare.get(copied..).unwrap_or_default());
    Some(out)
}

/// How long the escape here is, and what is to stand for it where it is half a pair.
fn escape(json: &[u8], at: usize) -> (usize, Option<&'static [u8]>) {
    let unit = |at: usize| {
        let digits = json.get(at..at + 6)?.strip_prefix(b"\\u")?;
        u16::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
    };
    match unit(at) {
        Some(0xd800..=0xdbff) if matches!(unit(at + 6), Some(0xdc00..=0xdfff)) => (12, None),
        Some(0xd800..=0xdfff) => (6, Some(b"\\ufffd")),
        Some(_) => (6, None),
        // Of one sign, which may be a backslash or a quotation mark.
        None => (2, None),
    }
}

/// How long what stands here is that programs write for what is no number.
fn no_number(rest: &[u8]) -> (usize, Option<&'static [u8]>) {
    let words: [&[u8]; 3] = [b"NaN", b"Infinity", b"-Infinity"];
    words.into_iter().find(|w| rest.starts_with(w)).map_or((1, None), |w| (w.len(), Some(b"null")))
}

/// What serde and its reader of JSON say is wrong with a document, in French; what they quote of it stays.
#[must_use]
pub fn in_french(said: &str) -> String {
    let (what, place) = placed(said);
    let words = of_shape(what).or_else(|| of_syntax(what).map(str::to_owned)).unwrap_or_else(|| what.to_owned());
    match place {
        Some((line, column)) if line != "0" => format!("{words} (ligne {line}, signe {column})"),
        _ => words,
    }
}

/// A complaint, and the line and column at its end.
fn placed(said: &str) -> (&str, Option<(&str, &str)>) {
    let parts = said.rsplit_once(" at line ").and_then(|(what, place)| Some((what, place.split_once(" column ")?)));
    parts.map_or((said, None), |(what, place)| (what, Some(place)))
}

/// What is read without fault as JSON, and has not the shape asked for.
fn of_shape(what: &str) -> Option<String> {
    let named = |rest: &str| rest.split('`').nth(1).map(str::to_owned);
    if let Some(rest) = what.strip_prefix("unknown field ") {
        return Some(format!("champ inconnu « {} »{}", named(rest)?, choices(rest, "attendus")));
    }
    if let Some(rest) = what.strip_prefix("missing field ") {
        return Some(format!("champ manquant « {} »", named(rest)?));
    }
    if let Some(rest) = what.strip_prefix("duplicate field ") {
        return Some(format!("champ écrit deux fois « {} »", named(rest)?));
    }
    if let Some(rest) = what.strip_prefix("unknown variant ") {
        return Some(format!("valeur inconnue « {} »{}", named(rest)?, choices(rest, "possibles")));
    }
    let rest =
        ["invalid type: ", "invalid value: ", "invalid length "].iter().find_map(|kind| what.strip_prefix(kind))?;
    let (found, wanted) = rest.rsplit_once(", expected ")?;
    Some(format!("il faut {}, et non {}", expected(wanted), unexpected(found)))
}

/// What may stand there, where it is said.
fn choices(rest: &str, word: &str) -> String {
    let listed: Vec<&str> =
        rest.split_once(", expected ").map_or_else(Vec::new, |(_, list)| list.split('`').skip(1).step_by(2).collect());
    if listed.is_empty() { String::new() } else { format!(" ({word} : {})", listed.join(", ")) }
}

/// What is asked for.
fn expected(wanted: &str) -> &'static str {
    let word = wanted.trim_start_matches("a ").trim_start_matches("an ").trim_start_matches("borrowed ");
    match word {
        "string" | "character" | "str" => "un texte",
        "boolean" => "true ou false",
        "sequence" => "une liste",
        "map" => "un objet",
        "u8" | "u16" | "u32" | "u64" | "usize" => "un nombre entier, positif et dans les limites",
        "i8" | "i16" | "i32" | "i64" | "isize" => "un nombre entier dans les limites",
        "f32" | "f64" => "un nombre",
        _ if word.starts_with("struct") || word.contains("enum") => "un objet",
        _ if word.starts_with("tuple") || word.starts_with("array") => "une liste d’une autre longueur",
        _ if word.contains("date") && word.contains("time") => "un moment, tel que 2027-01-12T12:00:00+01:00",
        _ if word.contains("date") => "un jour, tel que 2027-01-12",
        _ => "autre chose",
    }
}

/// What stands there.
fn unexpected(found: &str) -> String {
    let quoted = |text: &str| text.trim().trim_matches(['`', '"']).chars().take(60).collect::<String>();
    let of = |kind: &str| found.strip_prefix(kind).map(quoted);
    if let Some(text) = of("string ") {
        return format!("le texte « {text} »");
    }
    if let Some(number) = of("integer ").or_else(|| of("floating point ")) {
        return format!("le nombre {number}");
    }
    if let Some(word) = of("boolean ") {
        return word;
    }
    match found {
        "sequence" => "une liste".to_owned(),
        "map" => "un objet".to_owned(),
        "null" | "unit value" => "null".to_owned(),
        _ if found.bytes().all(|b| b.is_ascii_digit()) => format!("une liste de {found}"),
        _ => "cela".to_owned(),
    }
}

/// What is no JSON, or no date.
fn of_syntax(what: &str) -> Option<&'static str> {
    const DATE: &str = "un jour s’écrit 2027-01-12, un moment 2027-01-12T12:00:00+01:00";
    const SAID: &[(&str, &str)] = &[
        ("EOF while", "le document s’arrête trop tôt"),
        ("recursion limit", "trop de niveaux les uns dans les autres"),
        ("trailing comma", "virgule de trop"),
        ("trailing characters", "quelque chose suit la fin du document"),
        ("invalid number", "nombre illisible"),
        ("number out of range", "nombre trop grand"),
        ("lone leading surrogate", "moitié d’un signe (\\ud800 à \\udfff) sans l’autre"),
        ("unexpected end of hex escape", "moitié d’un signe (\\ud800 à \\udfff) sans l’autre"),
        ("invalid escape", "barre oblique inverse suivie d’un signe impossible"),
        ("control character", "signe de commande dans un texte : écrivez \\n, \\t ou \\u00xx"),
        ("invalid unicode code point", "octets qui ne sont pas de l’UTF-8"),
        ("key must be a string", "nom de champ sans guillemets"),
        ("expected `:`", "deux-points manquant après le nom d’un champ"),
        ("expected `,` or", "virgule manquante, ou crochet ou accolade de fin"),
        ("expected ", "ce n’est pas du JSON"),
        ("premature end of input", DATE),
        ("input contains invalid characters", DATE),
        ("input is out of range", DATE),
        ("trailing input", DATE),
    ];
    SAID.iter().find(|(english, _)| what.starts_with(english)).map(|(_, french)| *french)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn what_is_wrong_costs_itself_alone() {
        for (written, meant) in [
            (r#"["a\ud83d b"]"#, json!(["a\u{fffd} b"])),
            (r#"["\udc00\ud83d\ude00\ud83d"]"#, json!(["\u{fffd}😀\u{fffd}"])),
            (r#"["\ud83d\ud83d\ude00"]"#, json!(["\u{fffd}😀"])),
            (r#"["\\\\ud83d \ud83d"]"#, json!(["\\\\ud83d \u{fffd}"])),
            ("{\"a\": \"deux\nlignes\tet \u{1} fin\"}", json!({"a": "deux\nlignes\tet   fin"})),
            ("[\"\\\"\n\"]\u{0}", json!(["\"\n"])),
            ("[NaN, -Infinity, Infinity, -1, \"NaN\", \"I-N\"]", json!([null, null, null, -1, "NaN", "I-N"])),
            ("\u{feff}{\"a\": 1}", json!({"a": 1})),
            ("\u{feff}[\"é\\ud83d\", NaN]", json!(["é\u{fffd}", null])),
        ] {
            let mended = mended(written.as_bytes()).unwrap_or_else(|| panic!("{written}"));
            assert_eq!(serde_json::from_slice::<Value>(&mended).unwrap(), meant, "{written}");
        }
    }

    #[test]
    fn what_is_right_or_past_mending_is_left() {
        for json in [
            r#"["\ud83d\ude00"]"#,
            r#"["\\ud83d"]"#,
            r#"["\u00e9"]"#,
            "[\"\\",
            "\\u12",
            "",
            "[1,\n 2]",
            "[-1]",
            "[\"NaN\"]",
        ] {
            assert_eq!(mended(json.as_bytes()), None, "{json}");
        }
    }

    #[test]
    fn complaints_are_in_french_and_say_where() {
        #[derive(Debug, serde::Deserialize)]
        #[serde(deny_unknown_fields)]
        #[expect(dead_code, reason = "read to be refused")]
        struct Wish {
            hour: u8,
            days: Vec<String>,
            cadence: Option<Cadence>,
            at: Option<chrono::DateTime<chrono::Utc>>,
            day: Option<chrono::NaiveDate>,
        }
        #[derive(Debug, serde::Deserialize)]
        #[serde(rename_all = "snake_case")]
        enum Cadence {
            Instant,
            Daily,
        }
        for (document, said) in [
            ("", "le document s’arrête trop tôt"),
            ("{\"hour\": 1", "le document s’arrête trop tôt"),
            ("heure", "ce n’est pas du JSON"),
            ("{hour: 1}", "nom de champ sans guillemets"),
            ("{\"hour\" 1}", "deux-points manquant après le nom d’un champ"),
            ("{\"hour\": 1,}", "virgule de trop"),
            ("{\"hour\": 1, \"days\": [\"a\\q\"]}", "barre oblique inverse suivie d’un signe impossible"),
            (
                "{\"hour\": 300, \"days\": []}",
                "il faut un nombre entier, positif et dans les limites, et non le nombre 300",
            ),
            ("{\"hour\": \"sept\"}", "il faut un nombre entier, positif et dans les limites, et non le texte « sept »"),
            ("{\"hour\": 1.5}", "il faut un nombre entier, positif et dans les limites, et non le nombre 1.5"),
            ("{\"hour\": 7, \"days\": {}}", "il faut une liste, et non un objet"),
            ("{\"hour\": 7, \"days\": [null]}", "il faut un texte, et non null"),
            ("{\"hour\": 7}", "champ manquant « days »"),
            ("{\"hour\": 7, \"hour\": 8}", "champ écrit deux fois « hour »"),
            ("{\"heure\": 7}", "champ inconnu « heure » (attendus : hour, days, cadence, at, day)"),
            (
                "{\"hour\": 7, \"days\": [], \"cadence\": \"weekly\"}",
                "valeur inconnue « weekly » (possibles : instant, daily)",
            ),
            (
                "{\"hour\": 7, \"day\": \"32/01/2027\"}",
                "un jour s’écrit 2027-01-12, un moment 2027-01-12T12:00:00+01:00",
            ),
            ("true", "il faut un objet, et non true"),
        ] {
            let french = in_french(&serde_json::from_str::<Wish>(document).unwrap_err().to_string());
            let (words, place) = french.rsplit_once(" (ligne ").unwrap_or_default();
            assert!(words == said && place.starts_with("1, signe "), "{document}: {french}");
        }
        assert_eq!(in_french("cadence inconnue « x » at line 2 column 3"), "cadence inconnue « x » (ligne 2, signe 3)");
    }
}
