//! Award criteria and their weights, under the article that judges tenders.
//!
//! A weight is a number of percent or points behind its criterion's name, in a list, a table or a sentence ("Vingt points vont au délai"
//! has it in front). Weights that add up to the one before them detail it. A table whose columns are lots weighs row by row, lot by lot,
//! whatever the converter made of its cells: a row has as many figures, or dashes, as there are columns.

use std::ops::Range;

use vigie_classify::fold::fold;
use vigie_classify::numerals::counted;
use vigie_classify::pattern;

use super::figures::{self, Figure, Unit};
use super::sentence::Sentence;
use super::{Elsewhere, Finding, Term, What};
use crate::homonyms;
use crate::piece::Kind;
use crate::written::Written;

pattern!(
    JUDGES,
    r"criteres?|jugement|\bchoix\b|choisi|selection des offres|attribution|analyse des offres|\bexamen\b|departag|\banalyse\b|evaluation|ponderation|notation|classe(?:e|ee|es|ees|er|ment|rons|ra)?\b|\bnot(?:e|ee|er|ees|ons|erons)s?\b|choisirons|\bdecid|retiendrons|\bjuge(?:r|rons|ra|ons|ees?)?\b|compare[a-z]*|mieux-disant|attribuerons"
);
// Under such a heading numbers are no weights.
pattern!(OTHER, r"candidature|penalite|prix (?:et|du marche)|paiement|avance|execution|insertion sociale obligatoire");
pattern!(
    WEIGHT,
    r"(?P<n>[0-9]{1,3}(?:[.,][0-9]{1,2})?) ?(?P<u>%|pour cent|points?\b|pts?\b|(?:/|sur) ?100\b)|(?:sur|/) ?(?P<m>[0-9]{1,3})\b|(?:compte(?:nt|ra|ront)?|pese(?:nt|ra|ront)?|valent|vau(?:t|dra|dront)|entre(?:nt|ra|ront)?|represente(?:nt|ra|ront)?|interv(?:ient|iennent|iendra)) (?:pour |a hauteur de )?(?P<k>[0-9]{1,2})\b(?: ?(?:%|pour cent\b|points?\b|pts?\b))?"
);
// What a bare number behind "compte pour" may count.
pattern!(NO_WEIGHT, r"^ ?(?:mois|heures?|h\b|ans?\b|annees?|jours?|semaines?|fois|€|euros?|personnes?|lots?)");
// What stands between a weight and the criterion that it is given to.
pattern!(
    GIVEN,
    r"^[ :–-]*(?:qui rest[a-z]+ |restants? )?(?:vont|va|iront|ira|reviennent|revient|sont (?:attribues|donnes|reserves|accordes|affectes)|portent|notent|pour)? ?(?:a l'|a la|au titre d[eu]|aux?|a|sur|pour)? ?(?:l'|les? |la )?"
);
pattern!(
    WEIGHS,
    r"[ ,](?:vaut|valent|vaudra|vaudront|compte(?:nt|ra|ront)?|pese(?:nt|ra|ront)?|(?:est|sont|sera|seront) not(?:e|ee|es|ees)|represente(?:nt|ra|ront)?|interv(?:ient|iennent|iendra)|(?:est|sont|sera|seront) affectee?s?|recoi(?:t|vent)|obtien(?:t|nent|dra))(?: pour)?(?:$| )"
);
// A sentence that says, without an article on it, that offers are weighed.
pattern!(
    CHOOSES,
    r"(?:offres?|propositions?|projets?|candidats?|plis?)\b[^.;|]{0,80}(?:avantageu|class|choisi|\bjug|\bnote|compar|depart)|(?:retien|choisi|class|\bjug|\bnote|depart|compar|\bpes)[a-z]* [^.;|]{0,60}(?:offres?|propositions?|projets?|\bprix)\b|mieux-disant"
);
pattern!(
    QUANTITY,
    r"\b(?:de|d'|est|pas|depasse|excede|moins|plus|atteint|taux)\s*$|\b(?:taux|disponibilite|plancher) (?:de|du|des|d')[^,;]{0,80},? ?$"
);
pattern!(OF_WEIGHT, r"\bcel(?:ui|le) |c'est\s*$|ponder|poids|coefficient|criteres?|hauteur de\s*$|\bnote");
pattern!(OF_SCORE, r"critere|pondere|note|jugement|jugees?|analys|classe|attribu|valeur technique");
pattern!(
    NO_CRITERION,
    r"\btva\b|avance|retenue|penalite|remise|rabais|\bhausse|baisse|revis|au moins|minimum|maximum|inferieure?|superieure?|des heures|effectif|plafon|note eliminatoire|ht\b|ttc\b|euros?|€|total"
);
// A row of a table of weights may speak of hours "beyond the minimum".
pattern!(
    NO_CRITERION_ROW,
    r"\btva\b|\bavance\b|retenue|penalite|remise|rabais|\bht\b|ttc\b|euros?|€|^(?:\| ?)*total\b"
);
pattern!(SUB, r"sous[- ]criteres?");
pattern!(SUB_NUMBER, r"^[0-9]{1,2}\.[0-9]{1,2}\b");

pattern!(NO_METHOD, r"n'est pas un critere|n'entre pas|ne constitue pas un critere");
// A frame that a tender is judged by, and what it asks.
pattern!(FRAME, r"(?:note|noter|notation|apprecier?|jugement)[^.]{0,40}criteres?|au titre du critere");
pattern!(ITEM_OF_FRAME, r"^(?:[a-z]?[0-9]{1,2}(?:\.[0-9])?[.)] |decri|indiqu|precis)");
// The head of a table of criteria, and a row of it that ends in a bare number.
pattern!(HEAD, r"crite?res?\b[^|]*\||\| ?(?:ponderation|points?|poids|notes?|coefficients?|bareme)\b");
// The same where its columns stand so near that they are read as one.
pattern!(NEAR_HEAD, r"^crite?res?\b.{0,30} (?:ponderation|points?|poids|notes?|coefficients?|bareme)(?: .{0,12})?$");
pattern!(BARE, r"^(?P<name>.*[a-z].*) \| ?(?P<n>[0-9]{1,3}(?:[.,][0-9])?)$");
// How social merit is judged: what is compared, and what comes of it.
pattern!(
    METHOD,
    r"critere|apprecie|evalue|examine|\bjug(?:e|ee|ees|es|er|erons|era|eront)\b|\bnot(?:e|er|ee|ees|ation)\b|valorise|repose sur|points?\b|engagements? figurant|prise? en compte|deviennent contractuel"
);
pattern!(
    SOCIAL_METHOD,
    r"insertion|eloignee?s?|memoire social|performance sociale|politique (?:sociale|generale)|heures? (?:proposees?|de formation)|temps partiel|tuteur|tutorat|encadrement technique|suites? de parcours|parcours de qualification|socio-?profession|volume superieur|cadre de memoire social"
);

// What a sentence gives as its reason before it names a criterion.
pattern!(CONNECTS, r"^(?:enfin|puis|ensuite|parce|comme|afin|dans|pour|au titre|en |d'abord)\b");
// What a sentence says before it names its first criterion.
pattern!(
    LEADS,
    r"\b(?:sont|est|seront|sera|tient|tiennent|prend|prennent|porte|portent|repose|jugees?|notees?|classees?)\b"
);

/// One weight and the words before it.
struct Weighed {
    name: String,
    weight: f64,
    range: Range<usize>,
    sub: bool,
    /// Lots that it is said of; empty = all.
    lots: Vec<String>,
    /// In a table whose columns are lots.
    tabled: bool,
}

/// The criteria of a piece.
pub(super) fn read(piece: &Written) -> Vec<Finding> {
    if !matches!(piece.kind, Kind::Rc | Kind::Notice | Kind::Ccp | Kind::Other) {
        return Vec::new();
    }
    let mut all: Vec<Weighed> = Vec::new();
    let mut heading_of: Option<usize> = None;
    let mut judged = false;
    let mut lead = 0usize;
    // Lots that the opening of a list names.
    let mut led: Vec<String> = Vec::new();
    // Under the head of a table of criteria, a bare number weighs.
    let mut tabled = false;
    let mut by_lot = ByLot::default();
    let mut loose: Vec<Weighed> = Vec::new();
    for (i, line) in piece.lines.iter().enumerate() {
        // "1. Prix : 40 %" is numbered like an article, and is none.
        let numbered = line.is_heading && bare(piece, &line.range).is_some();
        let item = judged && (numbered || WEIGHT.is_match(&line.folded));
        if (line.article != heading_of || line.is_heading) && !item {
            heading_of = line.article;
            let titles = piece.headings(line.article);
            let own = line.article.map_or("", |a| piece.articles[a].title.as_str());
            judged = JUDGES.is_match(&titles) && !OTHER.is_match(own);
            // A table of criteria ends where another matter begins.
            if line.is_heading && !judged {
                by_lot.columns.clear();
            }
        }
        let weighs = judged || !by_lot.columns.is_empty() || HEAD.is_match(&line.folded);
        if weighs && !line.is_heading && by_lot.takes(piece, line.range.clone(), &line.folded) {
            continue;
        }
        let row = line.folded.contains(" | ");
        let first = i.checked_sub(1).is_none_or(|b| !piece.lines[b].folded.contains(" | "));
        if !row {
            // What a cell wraps into does not end its table.
            let wraps = !line.is_heading && line.folded.len() < 40 && !line.folded.ends_with(['.', ':', ';']);
            tabled = tabled && wraps || judged && NEAR_HEAD.is_match(&line.folded);
        } else if (HEAD.is_match(&line.folded) || judged && first) && !line.folded.bytes().any(|b| b.is_ascii_digit()) {
            tabled = judged || names_weights(&line.folded);
        } else if let Some(c) = BARE.captures(&line.folded).filter(|_| tabled) {
            let weight = c["n"].replace(',', ".").parse().unwrap_or_default();
            let cells = &piece.text[line.range.clone()];
            let name = named(cells.rsplit_once(" | ").map_or(cells, |(before, _)| before));
            // Its name stands in a second column.
            let sub = SUB_NUMBER.is_match(&line.folded) || line.folded.starts_with('|');
            if (1.0..=100.0).contains(&weight) && !NO_CRITERION_ROW.is_match(&c["name"]) {
                all.push(Weighed { name, weight, range: line.range.clone(), sub, lots: Vec::new(), tabled: false });
            }
            continue;
        }
        if line.is_heading && !item && !WEIGHT.is_match(&line.folded) {
            continue;
        }
        // "Pour les lots A et B, cent points se répartissent ainsi :", and the list that follows.
        let opens = line.folded.trim_end().ends_with(':');
        if opens || !is_item(&piece.text[line.range.clone()]) {
            let named = figures::mentions(&piece.text[line.range.clone()]);
            led = named.into_iter().filter(|_| opens).flat_map(|m| m.lots).collect();
        }
        // A paragraph that shares out a hundred, the price among it, or says that it chooses.
        let prose = !line.is_heading && !line.folded.contains(" | ") && line.folded.contains("prix");
        if !judged && prose && (CHOOSES.is_match(&line.folded) || shares_out(piece, &line.range)) {
            lead = lead.max(if opens { i + 12 } else { i });
        }
        // Outside such an article, a sentence that says that it weighs, and the list that follows.
        if OF_SCORE.is_match(&line.folded) && (line.folded.contains("critere") || line.folded.contains("pondere")) {
            lead = i + 12;
        }
        if judged || i <= lead && lead > 0 {
            match line.folded.contains(" | ") {
                true => all.extend(weights(piece, &line.range)),
                false => {
                    let sentences = super::sentence::split(&piece.text, &line.range);
                    let found: Vec<Weighed> = shared_out(piece, &sentences).into_iter().flatten().collect();
                    let of_list = |mut weighed: Weighed| {
                        if weighed.lots.is_empty() {
                            weighed.lots.clone_from(&led);
                        }
                        weighed
                    };
                    if found.is_empty() {
                        loose.extend(bare(piece, &line.range).map(of_list));
                    }
                    all.extend(found.into_iter().map(of_list));
                }
            }
        }
    }
    // All of it beside its parts weighs nothing.
    if all.iter().filter(|w| w.weight < 100.0).count() >= 2 {
        all.retain(|w| w.weight < 100.0);
    }
    details(&mut all);
    // Numbers without a unit weigh where they share out a hundred, and nothing else does.
    details(&mut loose);
    if (total(&loose) - 100.0).abs() < 0.01 && (total(&all) - 100.0).abs() > 0.01 {
        all.extend(loose);
    }
    let mut out: Vec<Finding> = Vec::new();
    let tables = by_lot.found.len();
    for (i, found) in by_lot.found.into_iter().chain(all).enumerate() {
        let known = |f: &Finding| matches!(&f.what, What::Criterion { name, weight, .. } if fold(name) == fold(&found.name) && *weight == Some(found.weight));
        // What a sentence says again of a row.
        let row = out.iter().take(tables).position(|f| i >= tables && says_again(&f.what, &found));
        if !found.tabled && row.is_none() && out.iter().any(known) {
            continue;
        }
        let what = What::Criterion { name: found.name, weight: Some(found.weight), sub: found.sub, lots: found.lots };
        let told = Finding::new(what, piece, found.range, 0);
        match row {
            Some(at) => out[at].also.push(Elsewhere { quote: told.quote, at: told.at }),
            None => out.push(told),
        }
    }
    out
}

/// Whether the head of a table names criteria and what they weigh.
fn names_weights(head: &str) -> bool {
    pattern!(
        WEIGHTS,
        r"\| ?(?:ponderation|points?|poids|notes?|coefficients?|bareme|%)(?: ?\(?(?:%|sur 100|en points)\)?)?$"
    );
    WEIGHTS.is_match(head)
}

/// Whether the weights of a paragraph share out a hundred.
fn shares_out(piece: &Written, line: &Range<usize>) -> bool {
    let sentences = super::sentence::split(&piece.text, line);
    let found = shared_out(piece, &sentences).into_iter().flatten();
    // "Le moins-disant l'emportait à cent pour cent" shares out nothing.
    let mut parts: Vec<Weighed> = found.filter(|w| w.weight < 100.0).collect();
    details(&mut parts);
    parts.iter().filter(|w| !w.sub).count() >= 2 && (total(&parts) - 100.0).abs() < 0.01
}

/// The weights of each sentence of a paragraph; where some that follow one another share out a hundred, those of the others weigh nothing
/// ("L'église a reçu quarante points au concours").
fn shared_out(piece: &Written, sentences: &[Range<usize>]) -> Vec<Vec<Weighed>> {
    let mut all: Vec<Vec<Weighed>> = sentences.iter().map(|s| of_sentence(piece, s)).collect();
    let whole = |run: &[Vec<Weighed>]| -> f64 { run.iter().flatten().filter(|w| !w.sub).map(|w| w.weight).sum() };
    let mut kept = vec![false; all.len()];
    let mut from = 0;
    while from < all.len() {
        let hundred = |to: &usize| (whole(&all[from..*to]) - 100.0).abs() < 0.01;
        let few = all.len().min(from + 12);
        let run = (from + 1..=few).find(hundred).filter(|to| all[from..*to].iter().flatten().take(2).count() == 2);
        match run.filter(|_| !all[from].is_empty()) {
            Some(to) => {
                kept[from..to].fill(true);
                from = to;
            }
            None => from += 1,
        }
    }
    // What details one of them stands behind.
    let shares: Vec<f64> =
        all.iter().zip(&kept).filter(|(_, k)| **k).flat_map(|(f, _)| f.iter().map(|w| w.weight)).collect();
    for (found, kept) in all.iter().zip(&mut kept) {
        *kept |= found.len() >= 2 && shares.iter().any(|s| adds_up(found, *s));
    }
    if kept.iter().any(|k| *k) {
        all.iter_mut().zip(kept).filter(|(_, kept)| !kept).for_each(|(found, _)| found.clear());
    }
    all
}

/// Whether words are enough to name a criterion.
fn is_named(words: &str) -> bool {
    words.chars().filter(|c| c.is_alphabetic()).count() >= 3
}

/// Whether weights share out so much.
fn adds_up(weights: &[Weighed], whole: f64) -> bool {
    (weights.iter().map(|w| w.weight).sum::<f64>() - whole).abs() < 0.01
}

/// The weights of a sentence: of its parts that details follow ("trente-cinq, dont vingt pour … et quinze pour …"), of a series, or one
/// by one.
fn of_sentence(piece: &Written, line: &Range<usize>) -> Vec<Weighed> {
    let found = detailed(piece, line).or_else(|| hundred(piece, line)).or_else(|| series(piece, line));
    found.unwrap_or_else(|| weights(piece, line))
}

/// The weights of a sentence that shares out a hundred among what stands behind each number: "quarante-cinq points pour le goût, trente-cinq
/// pour le prix, vingt pour l'insertion".
fn hundred(piece: &Written, line: &Range<usize>) -> Option<Vec<Weighed>> {
    let folded = vigie_classify::fold::Folded::of(&piece.text[line.clone()]);
    if folded.text.contains(" | ") {
        return None;
    }
    let out = given(piece, line, &folded, true);
    (out.len() >= 2 && adds_up(&out, 100.0)).then_some(out)
}

/// A weight that a sentence shares out again right behind it: "en vaudra trente-cinq, dont vingt pour le calendrier et quinze pour …".
fn detailed(piece: &Written, line: &Range<usize>) -> Option<Vec<Weighed>> {
    pattern!(AGAIN, r"(?:,|:|\(|;)? ?\b(?:dont|soit|a savoir|repartis (?:en|entre)|partages (?:en|entre)) ");
    let folded = vigie_classify::fold::Folded::of(&piece.text[line.clone()]);
    let cut = AGAIN.find(&folded.text).filter(|_| !folded.text.contains(" | "))?;
    let head = folded.original(0..cut.start());
    let tail = folded.original(cut.end()..folded.text.trim_end().len());
    let (head, tail) = (line.start + head.start..line.start + head.end, line.start + tail.start..line.start + tail.end);
    let mut out = hundred(piece, &head).unwrap_or_else(|| weights(piece, &head));
    let whole = out.last()?.weight;
    let mut parts = given(piece, &tail, &vigie_classify::fold::Folded::of(&piece.text[tail.clone()]), true);
    if parts.is_empty() {
        parts = numbered_parts(piece, &tail).map(|(parts, _)| parts).unwrap_or_default();
    }
    let shares = parts.len() >= 2 && adds_up(&parts, whole);
    out.extend(parts.into_iter().map(|w| Weighed { sub: true, ..w }));
    shares.then_some(out)
}

/// Whether a line is an item of a list, marked as one or ended as one.
fn is_item(text: &str) -> bool {
    let text = text.trim();
    text.ends_with([';', ','])
        || text.starts_with(|c: char| !c.is_alphanumeric() && c != '«' || c.is_lowercase())
        || strip_number(text).len() < text.len()
}

/// Whether what is weighed is a row's criterion: as heavy, for lots of that row, and named alike.
fn says_again(row: &What, found: &Weighed) -> bool {
    let What::Criterion { name, weight: Some(weight), lots, .. } = row else { return false };
    let (ours, theirs) = (fold(&found.name), fold(name));
    let stems = |name: &str| -> Vec<String> {
        name.split(|c: char| !c.is_alphanumeric())
            .filter(|w| w.len() >= 4)
            .map(|w| w.chars().take(4).collect())
            .collect()
    };
    let alike = stems(&ours).iter().any(|s| stems(&theirs).contains(s));
    let within = lots.is_empty() || found.lots.iter().all(|l| lots.contains(l));
    *weight == found.weight && within && alike
}

/// A table of weights whose columns are lots.
#[derive(Default)]
struct ByLot {
    /// The lots of each column, within such a table.
    columns: Vec<Vec<String>>,
    found: Vec<Weighed>,
    /// How many of those found the last row gave.
    last: usize,
}

impl ByLot {
    /// Whether a line is the head or a row of such a table, or what a cell of one wraps into.
    fn takes(&mut self, piece: &Written, line: Range<usize>, folded: &str) -> bool {
        let text = &piece.text[line.clone()];
        if let Some(columns) = lettered(text) {
            self.columns = columns;
            self.last = 0;
            return true;
        }
        let mentions = figures::mentions(text);
        let named = mentions.iter().filter(|m| !m.lots.is_empty()).count();
        let letters = |t: &str| t.split_whitespace().filter(|w| w.chars().any(char::is_alphabetic)).count();
        // A head names lots, and little else.
        let of_lots: usize = mentions.iter().map(|m| letters(&text[m.range.clone()])).sum();
        if named >= 2 && letters(text) <= of_lots + 4 && !text.contains(['%', ';']) && !text.ends_with('.') {
            self.columns = mentions.into_iter().map(|m| m.lots).filter(|l| !l.is_empty()).collect();
            self.last = 0;
            return true;
        }
        if self.columns.is_empty() {
            return false;
        }
        let prose = text.ends_with('.') || letters(text) > 14;
        if let Some((name, weights)) = row(text, self.columns.len()).filter(|_| !prose) {
            if NO_CRITERION_ROW.is_match(folded) {
                self.last = 0;
                return true;
            }
            let name = named_row(&name);
            let mut given: Vec<(f64, Vec<String>)> = Vec::new();
            for (weight, lots) in weights.iter().zip(&self.columns).filter_map(|(w, l)| Some(((*w)?, l))) {
                match given.iter_mut().find(|(known, _)| *known == weight) {
                    Some((_, of)) => of.extend(lots.iter().cloned()),
                    None => given.push((weight, lots.clone())),
                }
            }
            // As heavy in every lot: said of all.
            if let [(_, lots)] = given.as_mut_slice()
                && weights.iter().all(Option::is_some)
            {
                lots.clear();
            }
            self.last = given.len();
            self.found.extend(given.into_iter().map(|(weight, lots)| Weighed {
                name: name.clone(),
                weight,
                range: line.clone(),
                sub: false,
                lots,
                tabled: true,
            }));
            return true;
        }
        let wraps = letters(text) <= 4 && !folded.bytes().any(|b| b.is_ascii_digit()) && !text.ends_with(['.', ':']);
        if wraps {
            // The rest of a name, under its row.
            let from = self.found.len() - self.last;
            for found in &mut self.found[from..] {
                found.name = format!("{} {}", found.name, text.trim_matches(['|', ' ']));
                found.range.end = line.end;
            }
            return true;
        }
        self.columns.clear();
        false
    }
}

/// The lots of a head whose columns give nothing but their letters or numbers: "Ce que nous regardons | A et B | C".
fn lettered(text: &str) -> Option<Vec<Vec<String>>> {
    pattern!(IDS, r"^(?:[A-H]|[0-9]{1,2})(?:(?: ?, ?| et | à | ?/ ?)(?:[A-H]|[0-9]{1,2}))*$");
    let (first, rest) = text.split_once(" | ")?;
    let cells: Vec<&str> = rest.split(" | ").map(str::trim).collect();
    let head = cells.len() >= 2 && first.chars().any(char::is_alphabetic) && cells.iter().all(|c| IDS.is_match(c));
    // A row of weights has none that weighs as much as a lot is numbered.
    let numbers = cells.iter().filter_map(|c| c.parse::<u32>().ok());
    let small = numbers.clone().max().unwrap_or(1) <= cells.len() as u32 + 1;
    (head && small).then(|| {
        let lots = |c: &&str| figures::mentions(&format!("lots {c}")).into_iter().flat_map(|m| m.lots).collect();
        cells.iter().map(lots).collect()
    })
}

/// The name of a row, and what it gives each of so many columns: a weight, or none.
fn row(text: &str, columns: usize) -> Option<(String, Vec<Option<f64>>)> {
    let mut name: Vec<&str> = Vec::new();
    let mut given: Vec<Option<f64>> = Vec::new();
    let mut words = text.split_whitespace().peekable();
    while let Some(word) = words.next() {
        let bare = word.trim_end_matches('%').replace(',', ".");
        let weight = bare.parse::<f64>().ok().filter(|n| (0.0..=100.0).contains(n));
        match word {
            "|" | "%" | "points" | "pts" => {}
            "–" | "—" | "-" | "/" | "néant" if !name.is_empty() => given.push(None),
            "sans" if words.peek() == Some(&"objet") => {
                words.next();
                given.push(None);
            }
            _ if weight.is_some() => given.push(weight.filter(|n| *n > 0.0)),
            _ => name.push(word),
        }
    }
    // A row that is numbered for itself.
    let starts = text.trim_start().starts_with(|c: char| c.is_ascii_digit());
    if given.len() == columns + 1 && starts {
        given.remove(0);
    }
    let letters = name.iter().flat_map(|w| w.chars()).filter(|c| c.is_alphabetic()).count();
    let fits = given.len() == columns && letters >= 3 && given.iter().any(Option::is_some);
    fits.then(|| (name.join(" "), given))
}

fn named_row(words: &str) -> String {
    vigie_domain::french::capital(strip_number(words).trim_matches([' ', ':', '•', '–', '-', '.', ',']))
}

/// How social merit is judged, sentence by sentence: under the article that judges, or in a frame that says that it is judged by.
///
/// `weighing`: where criteria stand.
pub(super) fn method(piece: &Written, sentences: &[Sentence], weighing: &[usize]) -> Vec<Finding> {
    let frame = matches!(piece.kind, Kind::SocialAnnex | Kind::MemoFrame | Kind::Other)
        && piece.lines.iter().take(30).any(|l| FRAME.is_match(&l.folded));
    if !frame && !matches!(piece.kind, Kind::Rc | Kind::Notice | Kind::Ccp) {
        return Vec::new();
    }
    let told = sentences.iter().flat_map(|s| unweighed(piece, s)).filter(|(s, range, folded)| {
        if s.is_heading || folded.len() < 25 {
            return false;
        }
        let item = || ITEM_OF_FRAME.is_match(folded);
        match frame {
            true => FRAME.is_match(folded) || item() || folded.contains("note zero"),
            false => {
                // Without a heading, in the paragraph that weighs criteria.
                let weighed = || {
                    let line = &piece.lines[s.line].range;
                    weighing.iter().any(|at| line.contains(at))
                };
                (JUDGES.is_match(&piece.headings(s.article)) || weighed())
                    && METHOD.is_match(folded)
                    && SOCIAL_METHOD.is_match(folded)
                    && !homonyms::is_of_things(folded)
                    && !NO_METHOD.is_match(folded)
                    && !WEIGHT.is_match(folded)
                    && !range.is_empty()
            }
        }
    });
    let what = What::Term { term: Term::SocialMethod, amount: None, lots: Vec::new() };
    told.map(|(_, range, _)| Finding::new(what.clone(), piece, range, 12)).collect()
}

/// A sentence, or the parts of it that weigh nothing, where semicolons part it: "… 15 % ; nous la jugerons sur l'accueil."
fn unweighed<'s>(piece: &Written, sentence: &'s Sentence) -> Vec<(&'s Sentence, Range<usize>, String)> {
    let text = &piece.text[sentence.range.clone()];
    if !text.contains(';') || text.contains(" | ") || !WEIGHT.is_match(&sentence.folded) {
        return vec![(sentence, sentence.range.clone(), sentence.folded.clone())];
    }
    let parts = sentence.cut(piece, ';').into_iter().map(|part| (sentence, part.range, part.folded));
    parts.filter(|(.., folded)| !WEIGHT.is_match(folded)).collect()
}

/// A number that weighs.
struct Given {
    at: Range<usize>,
    weight: f64,
    /// "noté sur 20": that is the scale.
    scale: bool,
    /// Without a unit.
    bare: bool,
}

/// The numbers of folded words that may weigh, in digits or, with their unit, in words ("quarante-cinq points sur cent").
fn all_weights(text: &str) -> Vec<Given> {
    pattern!(UNIT, r"^ ?(?:points?|pts?|%)(?: sur (?:100|cent)\b)?");
    let in_digits = WEIGHT.captures_iter(text).filter_map(|c| {
        let n = c.name("n").or(c.name("m")).or(c.name("k"))?;
        let weight = n.as_str().replace(',', ".").parse().ok()?;
        let mut at = c.get(0)?.range();
        // "moyens humains sur 15 points".
        let unit = c.name("m").and_then(|_| UNIT.find(&text[at.end..]));
        at.end += unit.map_or(0, |u| u.end());
        Some(Given { at, weight, scale: c.name("m").is_some() && unit.is_none(), bare: c.name("k").is_some() })
    });
    let mut out: Vec<Given> = in_digits.collect();
    // "Le prix en vaudra quarante-cinq".
    pattern!(
        SPELT,
        r"(?:compte(?:nt|ra|ront)?|pese(?:nt|ra|ront)?|valent|vau(?:t|dra|dront)|represente(?:nt|ra|ront)?) (?:pour |a hauteur de )?(?P<w>la moitie|[a-z]+(?:-[a-z]+)*(?: et une?| et onze)?)"
    );
    for found in SPELT.captures_iter(text) {
        let (Some(whole), Some(words)) = (found.get(0), found.name("w")) else { continue };
        let unit = UNIT.find(&text[whole.end()..]).map_or(0, |u| u.end());
        let apart = out.iter().all(|g: &Given| g.at.end <= whole.start() || whole.end() <= g.at.start);
        let half = (words.as_str() == "la moitie").then_some(50);
        if let Some(n) = half.or_else(|| counted(words.as_str())).filter(|n| apart && (2..=100).contains(n)) {
            let at = whole.start()..whole.end() + unit;
            out.push(Given { at, weight: f64::from(n), scale: false, bare: unit == 0 });
        }
    }
    let spelt = figures::all(text).into_iter().filter(|f| matches!(f.unit, Unit::Percent | Unit::Points));
    for figure in spelt {
        let apart = |g: &Given| g.at.end <= figure.range.start || figure.range.end <= g.at.start;
        if out.iter().all(apart) {
            out.push(Given { at: figure.range, weight: figure.n, scale: false, bare: false });
        }
    }
    out.sort_by_key(|g| g.at.start);
    out
}

/// The weights of a line, each with its name.
fn weights(piece: &Written, line: &Range<usize>) -> Vec<Weighed> {
    let text = &piece.text[line.clone()];
    let folded = vigie_classify::fold::Folded::of(text);
    let mut out = Vec::new();
    let mut from = 0;
    let is_row = text.contains(" | ");
    let given = if is_row { Vec::new() } else { given(piece, line, &folded, false) };
    if !given.is_empty() {
        return given;
    }
    let mentions = if is_row { Vec::new() } else { figures::mentions(text) };
    for Given { at: whole, weight, scale: on_scale, bare } in all_weights(&folded.text) {
        let before = &folded.text[from..whole.start];
        let rest = folded.text[whole.end..].trim_start_matches([' ', '%']);
        if bare && NO_WEIGHT.is_match(rest) {
            continue;
        }
        // "noté sur 20" of a table whose weights stand elsewhere, or a second figure of the same criterion.
        let scale = on_scale && (!is_row || out.len() == 1);
        let back = folded.original(from..whole.start);
        let name = named(&text[back.clone()]);
        // "Un taux de réemploi de 30 %" is a quantity.
        let quantity = QUANTITY.is_match(before) && !OF_WEIGHT.is_match(before);
        let bad = quantity
            || if is_row { NO_CRITERION_ROW.is_match(before) } else { NO_CRITERION.is_match(before) }
            || rest.trim_start().starts_with("des heures")
            || rest.trim_start().starts_with("du temps")
            || rest.trim_start().starts_with("du montant");
        let names = is_named(&name) && !["les", "des", "ces", "lot"].contains(&name.to_lowercase().as_str());
        if !scale && !bad && names && (1.0..=100.0).contains(&weight) {
            let sub = SUB.is_match(before);
            // A sentence holds several: each is quoted whole with the words it needs.
            let end = folded.original(whole.clone()).end;
            let range = match is_row || out.is_empty() && rest.len() < 60 {
                true => line.clone(),
                // Not what closes the one before.
                false => {
                    let open = text[back.clone()].len()
                        - text[back.clone()].trim_start_matches([')', ',', ';', '.', ' ', '|']).len();
                    line.start + back.start + open..line.start + end
                }
            };
            let at = Figure { range: folded.original(whole.clone()), n: weight, unit: Unit::Points };
            let lots = figures::shared(&[at], &mentions).into_iter().flat_map(|s| s.lots).collect();
            out.push(Weighed { name, weight, range, sub, lots, tabled: false });
        }
        from = whole.end;
    }
    // "40 % : valeur technique", "Vingt points vont au délai".
    let first = figures::all(&folded.text).into_iter().find(|f| matches!(f.unit, Unit::Percent | Unit::Points));
    if out.is_empty()
        && let Some(first) = first.filter(|f| {
            let before = folded.text[..f.range.start].trim_start();
            ["les ", "ces "].contains(&before) || before.chars().all(|c| !c.is_alphabetic())
        })
    {
        let behind = first.range.end + GIVEN.find(&folded.text[first.range.end..]).map_or(0, |m| m.end());
        let end = folded.text[behind..].find([',', ';', '(', '.']).map_or(folded.text.len(), |i| behind + i);
        let name = named(&text[folded.original(behind..end)]);
        // "… aux personnes en insertion, au-delà même des heures demandées": what stands behind the name does not matter.
        let fits = is_named(&name) && name.chars().count() < 120;
        if fits && first.n >= 1.0 && !NO_CRITERION.is_match(&folded.text[..end]) {
            let range = line.clone();
            out.push(Weighed { name, weight: first.n, range, sub: false, lots: Vec::new(), tabled: false });
        }
    }
    out
}

/// The weights of a sentence that gives each of them to a criterion behind it: "60 points au prix, 25 points à la qualité et 15 à…";
/// `bare`: what is shared out is told, so that its parts need no unit.
fn given(piece: &Written, line: &Range<usize>, folded: &vigie_classify::fold::Folded, bare: bool) -> Vec<Weighed> {
    pattern!(
        TO,
        r"^ ?(?:(?:vont|va|iront|ira|reviennent|revient|sont (?:attribues|donnes|reserves|accordes|affectes)|portent) )?(?:a l'|a la |au |aux |a |pour l'|pour les? |pour la |sur l'|sur les? |sur la )"
    );
    let text = &piece.text[line.clone()];
    let mut found: Vec<Figure> = figures::all(&folded.text)
        .into_iter()
        .filter(|f| matches!(f.unit, Unit::Percent | Unit::Points) && (1.0..=100.0).contains(&f.n))
        .collect();
    let units: Vec<Range<usize>> = found.iter().map(|f| f.range.clone()).collect();
    found.extend(
        shares(&folded.text, bare)
            .into_iter()
            .filter(|f| units.iter().all(|u| u.end <= f.range.start || f.range.end <= u.start)),
    );
    found.sort_by_key(|f| f.range.start);
    let to = |f: &Figure| TO.find(&folded.text[f.range.end..]).map(|m| f.range.end + m.end());
    if found.len() < 2 || !found.iter().all(|f| to(f).is_some()) {
        return Vec::new();
    }
    let mut out = Vec::new();
    for (i, figure) in found.iter().enumerate() {
        let Some(behind) = to(figure) else { continue };
        let next = found.get(i + 1).map_or(folded.text.len(), |f| f.range.start);
        let words = folded.text[behind..next].trim_end_matches([' ', ',', ';', '.']);
        let words = words.strip_suffix(" et").or(words.strip_suffix(" enfin")).unwrap_or(words);
        let end = behind + words.trim_end_matches([' ', ',', ';']).len();
        let name = named(&text[folded.original(behind..end)]);
        let range = folded.original(figure.range.start..end);
        let range = line.start + range.start..line.start + range.end;
        out.push(Weighed { name, weight: figure.n, range, sub: false, lots: Vec::new(), tabled: false });
    }
    out
}

/// Numbers that share something out without a unit: halves ("pour moitié sur le prix"), and, where `bare`, others in front of what gets
/// them ("vingt pour le calendrier").
fn shares(text: &str, bare: bool) -> Vec<Figure> {
    pattern!(HALF, r"\bpour (?:la )?moitie\b");
    pattern!(PART, r"(?:^|[ ,;(])(?P<n>[0-9]{1,2}|[a-z]+(?:-[a-z]+)*) (?:pour|au|aux|a|sur) ");
    let half = HALF.find_iter(text).map(|m| Figure { range: m.range(), n: 50.0, unit: Unit::Points });
    let parts = PART.captures_iter(text).filter(|_| bare).filter_map(|c| {
        let n = c.name("n")?;
        let value = n.as_str().parse().ok().or_else(|| counted(n.as_str()).map(f64::from))?;
        (value >= 1.0).then(|| Figure { range: n.range(), n: value, unit: Unit::Points })
    });
    half.chain(parts).collect()
}

/// The weights of a sentence that shares out a hundred by numbers of which not all have a unit: "sur 100 : prix 50, méthode 40,
/// insertion 10".
fn series(piece: &Written, line: &Range<usize>) -> Option<Vec<Weighed>> {
    let (out, bare) = numbered_parts(piece, line)?;
    (bare && out.len() >= 2 && adds_up(&out, 100.0)).then_some(out)
}

/// The parts of a sentence that each end with their number, and whether one of them has no unit.
fn numbered_parts(piece: &Written, line: &Range<usize>) -> Option<(Vec<Weighed>, bool)> {
    pattern!(
        PART,
        r"^(?P<name>.*?[a-z]{3}.*?) ?(?:\(|:|=|a |pour |sur |compte pour |vaut )? ?(?P<n>[0-9]{1,3}) ?(?:points?|pts?|%)?\)?(?: sur 100| ?/ ?100)?\.?$"
    );
    let text = &piece.text[line.clone()];
    let from = text.rfind(':').map_or(0, |at| at + 1);
    let mut at = from;
    let mut out = Vec::new();
    let mut bare = false;
    let words = text[from..].replace(" et ", ",   ");
    // What has no number yet belongs to the name that has the next one: "moyens et méthode 40".
    let mut start = None;
    for part in words.split([',', ';']) {
        let begins = at + (part.len() - part.trim_start().len());
        let range = start.unwrap_or(begins)..at + part.trim_end().len();
        at += part.len() + 1;
        let own = text.get(range.clone())?;
        let folded = vigie_classify::fold::Folded::of(own);
        // In digits, else in words: "et la tenue du service quarante".
        let spelt = || {
            let words = folded.text.trim_end_matches(['.', ' ']);
            // "La cuisine pèse la moitié, le prix trente".
            let part = [(" la moitie", 50.0), (" un quart", 25.0), (" le quart", 25.0)];
            if let Some((name, n)) = part.iter().find_map(|(w, n)| Some((words.strip_suffix(w)?, *n))) {
                return Some((0..name.len(), n, true));
            }
            let counts = ["points", "point", "pour cent"].iter().find_map(|u| words.strip_suffix(u));
            let (at, n) = figures::in_words(counts.unwrap_or(words).trim_end())?;
            let name = folded.text[..at].trim_end();
            is_named(name).then_some((0..name.len(), n, counts.is_none()))
        };
        let digits = PART.captures(folded.text.trim_end()).and_then(|found| {
            Some((found.name("name")?.range(), found["n"].parse::<f64>().ok()?, !WEIGHT.is_match(&folded.text)))
        });
        let Some((name, weight, without)) = digits.or_else(spelt) else {
            start = Some(range.start);
            continue;
        };
        start = None;
        bare |= without;
        if !(1.0..=100.0).contains(&weight) {
            return None;
        }
        let name = named(&own[folded.original(name)]);
        let range = line.start + range.start..line.start + range.end;
        out.push(Weighed { name, weight, range, sub: false, lots: Vec::new(), tabled: false });
    }
    start.is_none().then_some((out, bare))
}

/// What a line weighs by a number without a unit: "Prix : 40", "2) Méthode, notée sur 50, dont".
fn bare(piece: &Written, line: &Range<usize>) -> Option<Weighed> {
    pattern!(
        NAMED,
        r"^(?P<name>[^0-9]{3,90}?) ?(?:[:=,(–-]|\.{2,}) ?(?:(?:notee?s?|ponderee?s?|bareme|poids|coefficient) ?(?:sur|a|de|:)? ?|sur |/ ?)?(?P<n>[0-9]{1,3})\)?(?:,? dont)? ?[:;.,]*$"
    );
    let text = strip_number(piece.text[line.clone()].trim());
    let folded = vigie_classify::fold::Folded::of(text);
    let found = NAMED.captures(&folded.text)?;
    let weight = found["n"].parse::<f64>().ok().filter(|n| (1.0..=100.0).contains(n))?;
    let name = named(&text[folded.original(found.name("name")?.range())]);
    let fits = is_named(&name) && !NO_CRITERION.is_match(&fold(&name));
    fits.then(|| Weighed { name, weight, range: line.clone(), sub: false, lots: Vec::new(), tabled: false })
}

/// The name of a criterion out of the words before its weight.
fn named(words: &str) -> String {
    let cell = words.trim_end_matches([' ', '|', ':', ',', '(', '–', '-', '=', '.', '…', '\t']);
    // What introduces the list is no part of the first name.
    let parts: &[char] = if cell.contains(" | ") { &[';', '\u{2022}'] } else { &[':', ';', '\u{2022}'] };
    let mut name = cell.rsplit(parts).next().unwrap_or(cell);
    // Nor is the label of its paragraph: "Choix. Le prix".
    name = name.rsplit_once(". ").map_or(name, |(_, rest)| rest);
    if name.trim().chars().count() < 4 {
        name = cell;
    }
    let cut = [
        "pondéré à",
        "pondérée à",
        "pondéré",
        "pondérée",
        "notée sur",
        "noté sur",
        "pour",
        "compte pour",
        "à hauteur de",
        "sur",
    ];
    pattern!(BEGINS, r"^(?:l'|le |la |les |un |une )");
    // "Dit autrement, pour les lots 1 et 2, le prix vaut": what the sentence leads in with is no part of it.
    if let Some((lead, rest)) = name.rsplit_once(", ")
        && (!figures::mentions(lead).is_empty()
            || lead.split(' ').count() <= 2 && BEGINS.is_match(&fold(rest))
            || CONNECTS.is_match(&fold(lead))
            || LEADS.is_match(&fold(lead)))
        && rest.chars().filter(|c| c.is_alphabetic()).count() >= 4
    {
        name = rest;
    }
    let folded = vigie_classify::fold::Folded::of(name);
    // "Le prix pèsera plus que tout le reste": the verb ends the name, but for what is taken "en compte".
    let ends = |verb: &regex::Match<'_>| {
        let before = folded.text[..verb.start()].trim_end();
        before.chars().filter(|c| c.is_alphabetic()).count() >= 4
            && !before.ends_with(" en")
            && !before.ends_with(" qui")
    };
    if let Some(verb) = WEIGHS.find_iter(&folded.text).find(ends) {
        name = &name[..folded.original(verb.range()).start];
    }
    let balanced = name.trim_end().ends_with(')') && name.matches('(').count() == name.matches(')').count();
    let mut name =
        name.trim_matches([' ', '|', ':', '(', ')', ',', ';', '–', '-', '•', '\u{f0b7}', '▪', '►', '*', '.', '/']);
    for word in cut {
        name = name.strip_suffix(word).map_or(name, str::trim_end);
    }
    // "Le prix en vaudra quarante-cinq".
    name = name.strip_suffix(" en").unwrap_or(name);
    for word in
        ["et ", "puis ", "dont ", "ainsi que ", "le ", "la ", "les ", "l'", "l’", "Le ", "La ", "Les ", "L'", "L’"]
    {
        name = name.strip_prefix(word).unwrap_or(name);
    }
    // "d'après le prix (prix : 60 %)": what is named in a parenthesis that the weight closes.
    let closed = format!("{name})");
    if balanced && name.contains('(') {
        name = &closed;
    } else if name.matches('(').count() > name.matches(')').count()
        && let Some((before, inside)) = name.rsplit_once('(')
    {
        let of_weight = ["pondera", "coef", "note", "bareme"].iter().any(|w| fold(inside).trim().starts_with(w));
        name = if of_weight { before.trim() } else { inside.trim() };
    }
    // "1 | Prix des prestations", "Critère 1 | Prix", "1. Prix".
    let cells: Vec<&str> = name.split(" | ").filter(|c| is_named(c)).collect();
    let longest = cells.iter().copied().find(|c| !is_number_of_criterion(c)).unwrap_or(name);
    let longest = strip_number(longest);
    let name = longest
        .trim_matches([' ', ':', '(', ',', ';', '–', '-', '•', '.', '|', '\u{f0b7}'])
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ");
    vigie_domain::french::capital(&name)
}

fn is_number_of_criterion(cell: &str) -> bool {
    let folded = fold(cell);
    folded.strip_prefix("critere").is_some_and(|r| r.trim().trim_start_matches("n°").trim().len() <= 2)
}

fn strip_number(name: &str) -> &str {
    pattern!(
        NUMBER,
        r"^(?i:(?:sous[- ])?crit[eè]re\s*)?(?:n°\s*)?(?:[0-9]{1,2}(?:\.[0-9]{1,2})*|[a-z])?\s*[.):/–-]\s+|^(?i:(?:sous[- ])?crit[eè]re)\s+(?:n°\s*)?[0-9]{1,2}(?:\.[0-9])*\s*[.):–-]*\s*"
    );
    NUMBER.find(name).map_or(name, |m| &name[m.end()..])
}

/// Tells which weights detail another: those that add up to the one before them, or that say so, or that come when all is shared out.
fn details(all: &mut [Weighed]) {
    let mut i = 0;
    while i < all.len() {
        let parent = all[i].weight;
        let mut sum = 0.0;
        let mut end = None;
        for (j, next) in all.iter().enumerate().skip(i + 1).take(12) {
            sum += next.weight;
            if (sum - parent).abs() < 0.01 && j > i + 1 {
                end = Some(j);
                break;
            }
            if sum > parent {
                break;
            }
        }
        // Two halves of a hundred after a criterion of a hundred are criteria of another lot.
        match end.filter(|_| !all[i].sub && parent < 100.0 && total(all) > 100.5) {
            Some(j) => {
                all[i + 1..=j].iter_mut().for_each(|w| w.sub = true);
                i = j + 1;
            }
            None => i += 1,
        }
    }
}

fn total(all: &[Weighed]) -> f64 {
    all.iter().filter(|w| !w.sub).map(|w| w.weight).sum()
}
