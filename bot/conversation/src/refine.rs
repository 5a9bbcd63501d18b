//! Conditions of a subscription that the dialogue does not ask for one by one, as people write them: a line each. Pure.
//!
//! ```text
//! mots : linge, pressing      sans : amiante        CPV 9091, 9831
//! acheteur 21590350100017     sauf acheteur 2159…   acheteurs : communes, hôpitaux
//! nature : projets d’achat    mode : service        de 20 000 à 90 000 €
//! au moins 10 jours           intérêt 40
//! ```
//!
//! What is read is added to the filter; what is not is named, and leaves the filter as it was.

use vigie_domain::{Buyer, BuyerKind, BuyerType, Cpv, Filter, NoticeKind, SupplyMode};
use vigie_notifier::criteria;

use vigie_service::answers::action::folded;

/// Most values of one condition.
const MAX_VALUES: usize = 30;
/// Longest word looked for, in characters.
const MAX_WORD: usize = 60;
/// Most days asked for.
const MAX_DAYS: i64 = 365;
/// Most euros asked for.
const MAX_EUROS: f64 = 1e10;

const NOTICE_KINDS: [NoticeKind; 8] = [
    NoticeKind::Call,
    NoticeKind::PriorInformation,
    NoticeKind::Planned,
    NoticeKind::Award,
    NoticeKind::Correction,
    NoticeKind::Cancellation,
    NoticeKind::Private,
    NoticeKind::Event,
];
const SUPPLY: [SupplyMode; 3] = [SupplyMode::Staff, SupplyMode::Service, SupplyMode::Goods];

/// Adds the condition of a line to a filter; `None` where the line holds none.
#[must_use]
pub fn add(filter: &Filter, line: &str) -> Option<Filter> {
    let mut filter = filter.clone();
    let line = line.trim().trim_start_matches(['•', '-', '–']).trim();
    let said = folded(line);
    // What stands behind the first word or the colon, as written.
    let rest = |words: usize| -> &str {
        match line.split_once(':') {
            Some((_, rest)) => rest.trim(),
            None => line.splitn(words + 1, char::is_whitespace).nth(words).unwrap_or_default().trim(),
        }
    };
    let starts = |heads: &[&str]| {
        heads.iter().any(|h| said == *h || said.starts_with(&format!("{h} ")) || said.starts_with(&format!("{h}:")))
    };
    let added = if starts(&["sauf acheteur", "sans acheteur", "pas acheteur", "sauf l'acheteur", "sans l'acheteur"]) {
        numbers(line, &[9, 14]).map(|n| put(&mut filter.excluded_buyers, n))
    } else if starts(&["acheteur", "acheteurs"]) {
        buyers(&mut filter, line, rest(1))
    } else if starts(&["sans", "mots exclus", "sauf"]) {
        words(rest(if starts(&["mots exclus"]) { 2 } else { 1 })).map(|w| put(&mut filter.excluded_words, w))
    } else if starts(&["mots", "mot", "avec"]) {
        words(rest(1)).map(|w| put(&mut filter.words, w))
    } else if starts(&["cpv", "code cpv", "codes cpv"]) {
        codes(line).map(|n| put(&mut filter.cpv, n))
    } else if starts(&["nature", "natures", "avis"]) {
        // Which procedure a call is, few people say.
        let said =
            folded(rest(1)).replace("appels d'offres", "avis de marche").replace("appel d'offres", "avis de marche");
        chosen(&said, &NOTICE_KINDS, |k| criteria::notice_kind_label(*k)).map(|k| put(&mut filter.notice_kinds, k))
    } else if starts(&["mode", "modes", "fourniture", "nous vendons"]) {
        chosen(rest(1), &SUPPLY, |m| criteria::supply_label(*m)).map(|m| put(&mut filter.supply_modes, m))
    } else if starts(&["interet"]) {
        said.split(' ').find_map(|w| w.parse::<u8>().ok()).filter(|n| *n <= 100).map(|n| filter.min_score = n)
    } else if said.contains("jour") {
        said.split(' ')
            .find_map(|w| w.parse::<i64>().ok())
            .filter(|n| (0..=MAX_DAYS).contains(n))
            .map(|n| filter.min_lead_days = Some(n))
    } else {
        amount(&mut filter, line)
    };
    added.filter(|()| filter.faults().is_empty()).map(|()| filter)
}

fn put<T: PartialEq>(list: &mut Vec<T>, values: Vec<T>) {
    for value in values {
        if !list.contains(&value) && list.len() < MAX_VALUES {
            list.push(value);
        }
    }
}

fn filled<T>(list: Vec<T>) -> Option<Vec<T>> {
    (!list.is_empty()).then_some(list)
}

fn words(text: &str) -> Option<Vec<String>> {
    let words = text.split([',', ';']).map(|w| w.trim().trim_matches(['«', '»', '"', ' ', '\u{a0}', '.']).trim());
    filled(
        words
            .filter(|w| w.chars().any(char::is_alphanumeric))
            .map(|w| w.chars().take(MAX_WORD).collect())
            .take(MAX_VALUES)
            .collect(),
    )
}

/// Numbers of a text that have one of these lengths; a SIRET may be written in groups.
fn numbers(text: &str, lengths: &[usize]) -> Option<Vec<String>> {
    let mut out: Vec<String> = Vec::new();
    for piece in text.split([',', ';', ':']) {
        let digits: String = piece.chars().filter(char::is_ascii_digit).collect();
        if lengths.contains(&digits.len()) && (lengths[0] >= 9 || !piece.trim().contains(char::is_whitespace)) {
            out.push(digits);
            continue;
        }
        out.extend(
            piece
                .split_whitespace()
                .map(str::to_owned)
                .filter(|w| w.bytes().all(|b| b.is_ascii_digit()) && lengths.contains(&w.len())),
        );
    }
    filled(out.into_iter().filter(|n| lengths[0] < 9 || Buyer::clean_siret(n).is_some()).take(MAX_VALUES).collect())
}

/// The CPV codes of a line, as people write them.
fn codes(text: &str) -> Option<Vec<String>> {
    let pieces = text.split(|c: char| matches!(c, ',' | ';' | ':') || c.is_whitespace());
    let code = |w: &String| (2..=8).contains(&w.len()) && w.bytes().all(|b| b.is_ascii_digit());
    filled(pieces.map(Cpv::written).filter(code).take(MAX_VALUES).collect())
}

fn buyers(filter: &mut Filter, line: &str, rest: &str) -> Option<()> {
    if let Some(found) = numbers(line, &[9, 14]) {
        put(&mut filter.buyers, found);
        return Some(());
    }
    let kinds = |said: &str| match said {
        "public" | "publics" => Some(BuyerKind::Public),
        "prive" | "prives" => Some(BuyerKind::Private),
        _ => None,
    };
    let said = folded(rest);
    if let Some(kind) = kinds(&said) {
        filter.buyer_kind = Some(kind);
        return Some(());
    }
    let mut found = Vec::new();
    for piece in pieces(rest) {
        found.push(buyer_type(&piece)?);
    }
    put(&mut filter.buyer_types, filled(found)?);
    Some(())
}

fn pieces(text: &str) -> Vec<String> {
    let lined = text.replace(" et ", ",").replace(" ou ", ",");
    lined.split([',', ';', '/']).map(folded).filter(|p| !p.is_empty()).take(MAX_VALUES).collect()
}

fn buyer_type(said: &str) -> Option<BuyerType> {
    const STEMS: [(&str, BuyerType); 18] = [
        ("intercommun", BuyerType::Intercommunal),
        ("agglo", BuyerType::Intercommunal),
        ("metropole", BuyerType::Intercommunal),
        ("communaute", BuyerType::Intercommunal),
        ("syndicat", BuyerType::Intercommunal),
        ("commune", BuyerType::Commune),
        ("mairie", BuyerType::Commune),
        ("ville", BuyerType::Commune),
        ("departement", BuyerType::Department),
        ("region", BuyerType::Region),
        ("etat", BuyerType::State),
        ("l'etat", BuyerType::State),
        ("hopita", BuyerType::Health),
        ("sante", BuyerType::Health),
        ("medico", BuyerType::Health),
        ("bailleur", BuyerType::Housing),
        ("logement", BuyerType::Housing),
        ("prive", BuyerType::Private),
    ];
    STEMS.into_iter().find(|(stem, _)| said.starts_with(stem)).map(|(_, t)| t)
}

/// The choices that a list names by the beginning of their label.
fn chosen<T: Copy>(text: &str, all: &[T], label: impl Fn(&T) -> &'static str) -> Option<Vec<T>> {
    let mut found = Vec::new();
    for piece in pieces(text) {
        let stem: String = piece.trim_end_matches('s').to_owned();
        let fits = |t: &&T| stem.chars().count() >= 4 && folded(label(t)).contains(&stem);
        found.push(*all.iter().find(fits)?);
    }
    filled(found)
}

/// `de 20 000 à 90 000 €`, `moins de 90 k€`, `à partir de 40000 euros`, `montant : 20 000 à 90 000`.
fn amount(filter: &mut Filter, line: &str) -> Option<()> {
    let said = folded(line);
    let money =
        line.contains('€') || said.contains("euro") || said.starts_with("montant") || said.starts_with("budget");
    let values = euros(line);
    if !money || values.iter().any(|v| !(0.0..=MAX_EUROS).contains(v)) {
        return None;
    }
    let below = ["moins", "jusqu", "maxi", "au plus", "pas plus", "inferieur"].iter().any(|w| said.contains(w));
    match values.as_slice() {
        [least, most] if least <= most => (filter.min_amount, filter.max_amount) = (Some(*least), Some(*most)),
        [most] if below && !said.contains("au moins") => filter.max_amount = Some(*most),
        [least] => filter.min_amount = Some(*least),
        _ => return None,
    }
    Some(())
}

/// Amounts of a text, whatever their spaces: `20 000`, `20.000`, `90 k€`, `1,5 M€`.
fn euros(text: &str) -> Vec<f64> {
    let mut out: Vec<f64> = Vec::new();
    let mut number = String::new();
    let chars: Vec<char> = text.chars().chain(['\n']).collect();
    for (i, c) in chars.iter().enumerate() {
        let digit_next = chars.get(i + 1).is_some_and(char::is_ascii_digit);
        match c {
            c if c.is_ascii_digit() => number.push(*c),
            ' ' | '\u{a0}' | '\u{202f}' | '.' if !number.is_empty() && groups(&chars[i + 1..]) => {}
            ',' if !number.is_empty() && digit_next => number.push('.'),
            _ if number.is_empty() => {}
            _ => {
                let unit: String =
                    chars[i..].iter().skip_while(|c| c.is_whitespace()).take(2).collect::<String>().to_lowercase();
                let times = if unit.starts_with("k€") || unit == "ke" {
                    1e3
                } else if unit.starts_with("m€") {
                    1e6
                } else {
                    1.0
                };
                out.extend(number.parse::<f64>().map(|n| n * times));
                number.clear();
            }
        }
        if out.len() > 2 {
            break;
        }
    }
    out
}

/// Whether three digits come, and no fourth.
fn groups(chars: &[char]) -> bool {
    chars.len() >= 3 && chars[..3].iter().all(char::is_ascii_digit) && !chars.get(3).is_some_and(char::is_ascii_digit)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from(line: &str) -> Option<Filter> {
        add(&Filter::default(), line)
    }

    #[test]
    fn every_condition_is_read_as_people_write_it() {
        let none = Filter::default;
        let strings = |list: &[&str]| list.iter().map(|s| (*s).to_owned()).collect::<Vec<String>>();
        for (line, wanted) in [
            ("mots : linge, pressing", Filter { words: strings(&["linge", "pressing"]), ..none() }),
            ("Avec « haies vives »", Filter { words: strings(&["haies vives"]), ..none() }),
            ("sans amiante", Filter { excluded_words: strings(&["amiante"]), ..none() }),
            ("Mots exclus : amiante, plomb", Filter { excluded_words: strings(&["amiante", "plomb"]), ..none() }),
            ("CPV 9091, 98310000", Filter { cpv: strings(&["9091", "98310000"]), ..none() }),
            ("cpv 90919200-4", Filter { cpv: strings(&["90919200"]), ..none() }),
            ("cpv : 9091 7731", Filter { cpv: strings(&["9091", "7731"]), ..none() }),
            ("acheteur 215 903 501 00017", Filter { buyers: strings(&["21590350100017"]), ..none() }),
            ("sauf acheteur : 215903501", Filter { excluded_buyers: strings(&["215903501"]), ..none() }),
            (
                "acheteurs : communes, hôpitaux",
                Filter { buyer_types: vec![BuyerType::Commune, BuyerType::Health], ..none() },
            ),
            ("acheteurs privés", Filter { buyer_kind: Some(BuyerKind::Private), ..none() }),
            ("acheteurs : intercommunalités", Filter { buyer_types: vec![BuyerType::Intercommunal], ..none() }),
            (
                "nature : appels d’offres, projets d’achat",
                Filter { notice_kinds: vec![NoticeKind::Call, NoticeKind::Planned], ..none() },
            ),
            ("nature : avis de marché", Filter { notice_kinds: vec![NoticeKind::Call], ..none() }),
            ("Nature : attributions", Filter { notice_kinds: vec![NoticeKind::Award], ..none() }),
            ("mode : service", Filter { supply_modes: vec![SupplyMode::Service], ..none() }),
            ("mode : personnel, biens", Filter { supply_modes: vec![SupplyMode::Staff, SupplyMode::Goods], ..none() }),
            ("de 20 000 à 90 000 €", Filter { min_amount: Some(20_000.0), max_amount: Some(90_000.0), ..none() }),
            ("moins de 90 k€", Filter { max_amount: Some(90_000.0), ..none() }),
            ("à partir de 1,5 M€", Filter { min_amount: Some(1_500_000.0), ..none() }),
            ("montant : jusqu’à 40.000", Filter { max_amount: Some(40_000.0), ..none() }),
            ("au moins 10 jours", Filter { min_lead_days: Some(10), ..none() }),
            ("intérêt 40", Filter { min_score: 40, ..none() }),
        ] {
            assert_eq!(from(line), Some(wanted), "{line}");
        }
        for line in [
            "",
            "bonjour",
            "mots :",
            "sans",
            "CPV beaucoup",
            "CPV 1",
            "acheteur 12",
            "acheteurs : martiens",
            "nature : morte",
            "de 90 000 à 20 000 €",
            "40 000",
            "10 semaines",
            "intérêt 400",
            "9999 jours",
            "🎉",
            "\u{202e}stom",
        ] {
            assert_eq!(from(line), None, "{line}");
        }
    }

    #[test]
    fn conditions_add_up() {
        let filter = add(&add(&Filter::default(), "mots : linge").unwrap(), "mots : linge, draps").unwrap();
        assert_eq!(filter.words, ["linge", "draps"]);
        let filter = add(&filter, "moins de 90 000 €").unwrap();
        assert_eq!(add(&filter, "plus de 200 000 €"), None, "what can never match is refused");
    }

    proptest::proptest! {
        #[test]
        fn any_line_is_read_or_left(line in "(?s).{0,80}", head in "mots|sans|cpv|acheteur|acheteurs|nature|mode|de|moins de|jours", tail in "\\PC{0,40}(€|jours)?") {
            for line in [line.clone(), format!("{head} {tail}"), format!("{head} : {line}")] {
                if let Some(filter) = add(&Filter::default(), &line) {
                    proptest::prop_assert!(filter.faults().is_empty());
                }
            }
        }
    }
}
