//! A piece's text as one, with the way back to page and article: what is read of it is read here, and quoted from here.
//!
//! Lines of a table of contents are left out: they repeat headings under the wrong page.
//!
//! A heading is known by the word in front of its number ("Article 5", "Clause 5", "Titre B"), by the shape of the number ("5.2",
//! "II.3", "B-2"), by its style, or because its number goes on where the headings before it left off ("4 Renseignements", "5 Visites").

use std::collections::{HashMap, HashSet};
use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;
use serde::{Deserialize, Serialize};
use vigie_classify::fold::fold;
use vigie_classify::pattern;

use crate::piece::{Kind, Place, Text};

// "5.2 Clause sociale ........ 11"
pattern!(LEADER, r"(?:\.{3,}|…{2,}|(?:\. ){3,}|_{3,})[ |]*[0-9]{1,3}[ |]*$");
// What follows a bullet and is a heading nevertheless.
pattern!(OPENED, r"^(?i:article|art\.)\s*[0-9]|^[0-9]{1,2}\.[0-9]{1,2}(?:\.[0-9]{1,2})?\s+\p{Lu}");
// The number of an article, and its title, folded only in its letters.
pattern!(
    NUMBERED,
    r"^(?P<word>(?i:article|art\.?|titre|chapitre|clause|partie|section|cadre|volet|annexe|fiche|bloc|rubrique|thème|tableau|point|§)\s*(?:n°\s*)?)?(?P<n>[0-9]{1,2}(?:[.-][0-9]{1,2}){0,3}(?:\.[a-h]\b)?|[IVX]{1,5}(?:\.[0-9]{1,2}){0,2}|[A-H](?:[.-][0-9]{1,2}){0,2}|(?i:premier|premi[eè]re|deuxi[eè]me|troisi[eè]me|quatri[eè]me|cinqui[eè]me|sixi[eè]me|septi[eè]me|huiti[eè]me|neuvi[eè]me|dixi[eè]me))(?:er)?\b(?P<mark>(?:\s*[.):°–—-]+)+)?\s*[|]?\s*(?P<title>.*)$"
);
// A line that is nothing but the name of an article of such pieces, without a number.
pattern!(
    TITLED,
    r"^(?:la |les |l'|le )?(?:visites?(?: (?:des lieux|d[ue]s? sites?|sur place|obligatoires?))?|variantes?(?: et (?:options|pse))?|(?:delai|duree) de validite(?: des offres)?|(?:dossier|pieces?|contenu) (?:de|d') ?(?:la |l')?(?:candidature|offre)s?|candidatures?|offres?|criteres?(?: (?:d'attribution|de jugement|de choix|de selection)(?: des offres)?)?|(?:jugement|analyse|examen|choix|notation) des offres|assurances?|avances?|retenue de garantie|(?:delais? de )?paiements?|prix|(?:revision|variation|actualisation|evolution|forme) (?:des|du) prix|penalites?(?: [^:0-9]{0,30})?|(?:reprise du |transfert du )?personnel(?: (?:a reprendre|en place))?|(?:clause|condition|volet|dispositif|engagement|demarche) (?:sociale?|d'insertion)(?: .{0,40})?|insertion (?:sociale|professionnelle|par l'activite economique)|publics? (?:vises?|cibles?|concernes?|eligibles?|prioritaires?)|beneficiaires?|personnes? (?:concernees?|eligibles?)|modalites? (?:de realisation|de mise en oeuvre)|justificatifs?|controles?|suivi|sanctions?|accompagnement|facilitat(?:eur|rice)|interlocuteurs?|questions?|renseignements(?: complementaires)?|duree(?: (?:du marche|du contrat|et delais?))?|(?:lots? )?reserves?|allotissement)$"
);
// What heads a part of an article on the clause, wherever it stands.
pattern!(
    WITHIN,
    r"^(?:les |la |l'|le )?(?:publics?|beneficiaires?|personnes? (?:concernees?|eligibles?|visees?)|eligibilite|modalites? (?:de|d')|justificatifs?|preuves?|controles?|suivi|sanctions?|accompagnement|facilitat|interlocuteurs?|referente?s?)|\?$"
);
// A title that a letter counts: "A – Candidature".
pattern!(LETTERED, r"^(?P<n>[A-H])(?:\s*[.):–—-]+)\s+\p{Lu}");
// What may go on from the number before it, with a mark behind its number or without.
pattern!(COUNTED, r"^(?P<n>[0-9]{1,2})(?P<mark>\s*[.):°–—-]+)?\s+(?P<title>[\p{Lu}«].*)$");

/// Where words stand, for a person.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Whereabouts {
    /// Name of the file.
    pub piece: String,
    /// What the file is.
    pub kind: Kind,
    pub place: Place,
    /// Number of the article, or its title where it has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub article: Option<String>,
}

impl std::fmt::Display for Whereabouts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let file = self.piece.rsplit('/').next().unwrap_or(&self.piece);
        match self.kind {
            Kind::Other => write!(f, "{file}")?,
            kind => write!(f, "{} ({file})", kind.label())?,
        }
        if let Some(article) = &self.article {
            match article.starts_with(|c: char| c.is_ascii_digit() || c.is_ascii_uppercase() && article.len() <= 5) {
                true => write!(f, ", art. {article}")?,
                false => write!(f, ", « {article} »")?,
            }
        }
        write!(f, ", {}", self.place)
    }
}

/// A heading.
#[derive(Debug, Clone)]
pub(crate) struct Article {
    /// Where it starts in the text.
    pub(crate) at: usize,
    /// Its number, where it has one.
    pub(crate) number: Option<String>,
    /// Its title, folded.
    pub(crate) title: String,
    /// As it is shown.
    shown: String,
    /// How deep it stands: a title holds chapters, these articles, and these their parts.
    rank: usize,
}

impl Article {
    /// How deep: "Titre 2" holds "Chapitre 1", this "Article 5", or "5", and this "5.2".
    pub(crate) fn depth(&self) -> usize {
        self.rank
    }
}

/// A line and what is asked of it often.
#[derive(Debug, Clone)]
pub(crate) struct Line {
    pub(crate) range: Range<usize>,
    pub(crate) folded: String,
    /// Index of the article that it stands under.
    pub(crate) article: Option<usize>,
    pub(crate) is_heading: bool,
}

/// A piece's text.
#[derive(Debug, Clone)]
pub struct Written {
    pub(crate) name: String,
    pub(crate) kind: Kind,
    /// All passages, parted by line breaks.
    pub text: String,
    /// The same, byte for byte, but for words that the judgement must not read ([`crate::homonyms`]); empty where there are none.
    pub(crate) judged: String,
    marks: Vec<(usize, Place)>,
    pub(crate) articles: Vec<Article>,
    pub(crate) lines: Vec<Line>,
}

impl Written {
    /// Joins what was read of a piece.
    #[must_use]
    pub fn of(name: &str, kind: Kind, read: &Text) -> Self {
        let mut out = Self {
            name: name.to_owned(),
            kind,
            text: String::with_capacity(read.len() + read.passages.len()),
            judged: String::new(),
            marks: Vec::new(),
            articles: Vec::new(),
            lines: Vec::new(),
        };
        let counted = counted(kind, read);
        let mut page: Option<(&Place, bool)> = None;
        for (i, passage) in read.passages.iter().enumerate() {
            // A page is several passages where it has headings.
            let begun = page.filter(|(place, _)| **place == passage.place);
            let contents = begun.map_or_else(
                || {
                    let on_it = read.passages[i..].iter().take_while(|p| p.place == passage.place);
                    contents_page(&on_it.map(|p| p.text.as_str()).collect::<Vec<_>>().join("\n"))
                },
                |(_, contents)| contents,
            );
            page = Some((&passage.place, contents));
            let mut overleaf = begun.is_none() && matches!(passage.place, Place::Page(_));
            out.marks.push((out.text.len(), passage.place.clone()));
            for (j, line) in passage.text.lines().enumerate() {
                if LEADER.is_match(line) || contents && ends_with_page(line) {
                    continue;
                }
                let line = line.trim();
                if !(std::mem::take(&mut overleaf) && out.goes_on(line) || out.closes(line)) {
                    out.push_line(line, passage.heading, counted.contains(&(i, j)));
                }
            }
        }
        out
    }

    /// Joins the first line of a page to the last one of the page before, where a sentence goes on overleaf.
    fn goes_on(&mut self, line: &str) -> bool {
        let Some(last) = self.lines.last() else { return false };
        let before = &self.text[last.range.clone()];
        let open = before
            .ends_with(|c: char| c.is_lowercase() || c.is_ascii_digit() || matches!(c, ',' | '%' | '€' | '°'))
            && before.chars().count() > 40;
        if !open
            || last.is_heading
            || before.contains(" | ")
            || !(line.starts_with(char::is_lowercase) || is_open_ended(before))
            || line.contains(" | ")
        {
            return false;
        }
        // The line break makes way for a space: the page's mark stands behind it already.
        self.join(line);
        true
    }

    /// Joins a line that begins with what closes the one before: "pour 40" and "% ;".
    fn closes(&mut self, line: &str) -> bool {
        let closes = line.starts_with(['%', ';', ')']) && !self.lines.is_empty();
        if closes {
            self.join(line);
        }
        closes
    }

    /// Writes a line behind the last one.
    fn join(&mut self, line: &str) {
        let Some(last) = self.lines.last_mut() else { return };
        self.text.truncate(last.range.end);
        self.text.push(' ');
        self.text.push_str(line);
        last.range.end = self.text.len();
        last.folded = fold(&self.text[last.range.clone()]);
        // What goes on was no title.
        if last.is_heading
            && let Some(article) = self.articles.last_mut().filter(|a| a.at == last.range.start && a.number.is_some())
        {
            last.is_heading = false;
            article.title = String::new();
        }
        self.text.push('\n');
    }

    fn push_line(&mut self, line: &str, heading: bool, counted: bool) {
        if line.is_empty() {
            return;
        }
        let at = self.text.len();
        let opening = article(line, heading, counted);
        let is_heading = opening.as_ref().is_some_and(|o| o.is_heading);
        let found = opening.map(|Opening { number, title, .. }| {
            let shown = number.clone().unwrap_or_else(|| line.chars().take(80).collect());
            let title = fold(&title);
            let within = number.is_none() && self.articles.iter().rev().take(60).any(|a| a.number.is_some());
            let nested = within && (!heading || WITHIN.is_match(&title));
            let rank = rank(line, number.as_deref(), nested);
            Article { at, number, title, shown, rank }
        });
        self.articles.extend(found);
        self.text.push_str(line);
        let article = self.articles.len().checked_sub(1);
        self.lines.push(Line { range: at..self.text.len(), folded: fold(line), article, is_heading });
        self.text.push('\n');
    }

    /// The words of a range, on one line.
    #[must_use]
    pub fn words(&self, range: Range<usize>) -> String {
        self.text.get(range).unwrap_or_default().split_whitespace().collect::<Vec<_>>().join(" ")
    }

    /// Where the words at `at` stand.
    #[must_use]
    pub fn whereabouts(&self, at: usize) -> Whereabouts {
        let mark = self.marks.partition_point(|m| m.0 <= at).saturating_sub(1);
        let place = self.marks.get(mark).map_or(Place::Line(1), |m| m.1.clone());
        let article = self.articles.partition_point(|a| a.at <= at).checked_sub(1);
        Whereabouts {
            piece: self.name.clone(),
            kind: self.kind,
            place,
            article: article.map(|i| self.articles[i].shown.clone()),
        }
    }

    /// The article in which a place is.
    pub(crate) fn article_at(&self, at: usize) -> Option<&Article> {
        self.articles.partition_point(|a| a.at <= at).checked_sub(1).map(|i| &self.articles[i])
    }

    /// The text as it is judged.
    pub(crate) fn judged(&self) -> &str {
        if self.judged.is_empty() { &self.text } else { &self.judged }
    }

    /// Where a quote of what is judged stands first.
    #[must_use]
    pub fn find(&self, quote: &str) -> Option<usize> {
        self.judged().find(quote)
    }

    /// The heading of an article and of the one around it, as they are written.
    pub(crate) fn heading(&self, article: usize) -> String {
        let line = |a: usize| {
            let at = self.articles[a].at;
            self.lines.iter().find(|l| l.range.start == at && l.is_heading).map(|l| &self.text[l.range.clone()])
        };
        let around = (0..article).rev().take(60).find(|a| self.articles[*a].depth() < self.articles[article].depth());
        [line(article), around.and_then(line)].into_iter().flatten().collect::<Vec<_>>().join("\n")
    }

    /// The title of an article, folded; a numbered paragraph without one ("5.2 — Une retenue…") has that of the article around it.
    pub(crate) fn title(&self, article: Option<usize>) -> &str {
        let Some(index) = article else { return "" };
        let own = &self.articles[index];
        if !own.title.is_empty() || own.number.is_none() {
            return &own.title;
        }
        let around = self.articles[..index].iter().rev().take(60).find(|a| a.depth() < own.depth());
        around.map_or("", |a| a.title.as_str())
    }

    /// Titles of the article of a line and of those around it, folded.
    pub(crate) fn headings(&self, article: Option<usize>) -> String {
        let Some(index) = article else { return String::new() };
        let mut depth = self.articles[index].depth();
        let mut out = self.articles[index].title.clone();
        for above in self.articles[..index].iter().rev().take(60) {
            if above.depth() < depth {
                depth = above.depth();
                out.push_str(" / ");
                out.push_str(&above.title);
            }
        }
        out
    }
}

/// Whether words end with one that another must follow: "par", "une".
pub(crate) fn is_open_ended(words: &str) -> bool {
    const OPEN: [&str; 26] = [
        "un", "une", "le", "la", "les", "de", "du", "des", "à", "au", "aux", "et", "ou", "par", "pour", "en", "dans",
        "sur", "avec", "sans", "que", "qui", "son", "sa", "ses", "leur",
    ];
    words.rsplit(' ').next().is_some_and(|last| OPEN.contains(&last))
}

/// How deep a heading stands, by the word in front of its number, and by the number.
fn rank(line: &str, number: Option<&str>, nested: bool) -> usize {
    /// Deeper than any number goes.
    const NESTED: usize = 12;
    const ARTICLE: usize = 4;
    let word = fold(line.split([' ', '\u{a0}']).next().unwrap_or_default());
    match (word.as_str(), number) {
        (_, None) if nested => NESTED,
        ("titre" | "partie" | "livre", _) => 1,
        ("chapitre" | "volet" | "cadre" | "fiche" | "bloc" | "theme", _) => 2,
        ("section", _) => 3,
        (_, None) => ARTICLE,
        (_, Some(number)) => {
            // "II" and "B" hold what "1" does.
            let roman = !number.starts_with(|c: char| c.is_ascii_digit()) && !word.starts_with("art");
            ARTICLE - usize::from(roman) + number.split(['.', '-']).count() - 1
        }
    }
}

/// What a line opens.
#[derive(Debug, PartialEq, Eq)]
struct Opening {
    number: Option<String>,
    /// Empty where the line is a numbered sentence, and no heading.
    title: String,
    is_heading: bool,
}

/// Lines whose number goes on from one before, each by its passage and its place within: short titles without a mark ("4
/// Renseignements"), and in a contract paragraphs with one ("5. Les titulaires obtiennent une avance.").
fn counted(kind: Kind, read: &Text) -> HashSet<(usize, usize)> {
    /// Longest title without a mark, in characters.
    const TITLE: usize = 60;
    let mut titles = Chain::default();
    let mut letters = Chain::default();
    let mut paragraphs = Chain::default();
    let contract = matches!(kind, Kind::Ccap | Kind::Ccp | Kind::Cctp | Kind::SocialAnnex);
    for (i, passage) in read.passages.iter().enumerate() {
        for (j, line) in passage.text.lines().enumerate() {
            let line = line.trim();
            if let Some(letter) = LETTERED.captures(line).and_then(|c| c["n"].bytes().next())
                && line.chars().count() <= TITLE
                && !line.ends_with([';', ',', '.'])
            {
                letters.push(usize::from(letter - b'A') + 1, (i, j));
            }
            let Some(found) = COUNTED.captures(line).filter(|_| !line.contains(" | ")) else { continue };
            let (Ok(n), title) = (found["n"].parse::<usize>(), &found["title"]) else { continue };
            let ends = title.ends_with([';', ',', '.', ':']);
            match found.name("mark").is_some() {
                false if !ends && title.chars().count() <= TITLE => titles.push(n, (i, j)),
                true if contract && title.ends_with(['.', ')']) => paragraphs.push(n, (i, j)),
                _ => {}
            }
        }
    }
    let mut out: HashSet<(usize, usize)> = titles.longest(3).into_iter().collect();
    out.extend(paragraphs.longest(5));
    out.extend(letters.longest(2));
    out
}

/// Numbered lines in their order, and the longest row of numbers that go on by one, or leave one out.
#[derive(Default)]
struct Chain {
    /// Each line's place, how many go on up to it, and the one before it.
    links: Vec<((usize, usize), usize, Option<usize>)>,
    /// The last link of the longest row that ends with each number.
    ends: HashMap<usize, usize>,
}

impl Chain {
    fn push(&mut self, n: usize, place: (usize, usize)) {
        let before = (1..=2).filter_map(|gap| self.ends.get(&n.checked_sub(gap)?)).copied();
        let before = before.max_by_key(|b| self.links[*b].1);
        let length = before.map_or(1, |b| self.links[b].1 + 1);
        if self.ends.get(&n).is_none_or(|known| self.links[*known].1 <= length) {
            self.ends.insert(n, self.links.len());
        }
        self.links.push((place, length, before));
    }

    /// Places of the longest row, where it has so many.
    fn longest(&self, least: usize) -> Vec<(usize, usize)> {
        let mut at = (0..self.links.len()).max_by_key(|i| self.links[*i].1).filter(|i| self.links[*i].1 >= least);
        let mut out = Vec::new();
        while let Some(i) = at {
            out.push(self.links[i].0);
            at = self.links[i].2;
        }
        out
    }
}

/// The number that a word stands for: "deuxième".
fn ordinal(word: &str) -> Option<String> {
    const WORDS: [&str; 10] = ["prem", "deux", "trois", "quatr", "cinq", "six", "sept", "huit", "neuv", "dix"];
    let word = fold(word);
    let ranked = word.ends_with("ieme") || word.starts_with("premi");
    WORDS.iter().position(|w| ranked && word.starts_with(w)).map(|i| (i + 1).to_string())
}

/// The article that a line opens: a heading, or a numbered sentence ("5.2 Le titulaire réserve…"); `counted`: its number goes on from
/// the one before.
fn article(line: &str, styled: bool, counted: bool) -> Option<Opening> {
    // A list that a word processor numbers by articles: "• Article 9 : Clause sociale".
    let bare = line.trim_start_matches(['•', '\u{f0b7}', '-', '–']).trim_start();
    let line = if bare.len() < line.len() && OPENED.is_match(bare) { bare } else { line };
    /// Longest heading, in characters.
    const LONGEST: usize = 140;
    static LETTER: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"^\p{Lu}|^[«(]").ok());
    let found = NUMBERED.captures(line).and_then(|c| {
        let (number, title) = (c.name("n")?.as_str(), c.name("title")?.as_str().trim());
        let in_words = ordinal(number);
        let word = c.name("word").is_some();
        // "Premier dossier" is no article.
        if in_words.is_some() && !word {
            return None;
        }
        let number = in_words.unwrap_or_else(|| number.replace('-', "."));
        let marked = c.name("mark").is_some();
        let dotted = number.contains('.');
        let roman = !number.starts_with(|c: char| c.is_ascii_digit());
        let opens = LETTER.as_ref().is_some_and(|l| l.is_match(title));
        let dated = title.starts_with(|c: char| c.is_ascii_digit());
        // A row of a table is numbered for itself; a letter alone is a lot, or begins a sentence.
        let letter = !counted && number.len() == 1 && roman && !matches!(number.as_str(), "I" | "V" | "X");
        if dated || !word && (title.contains(" | ") || letter) {
            return None;
        }
        let long = line.chars().count() > LONGEST;
        let sentence = long
            || title.ends_with([';', ','])
            || title.ends_with('.') && (title.split(' ').count() > 4 || has_verb(title));
        if sentence {
            return (opens && (word || dotted || counted)).then(|| Opening {
                number: Some(number),
                title: run_in(title).to_owned(),
                is_heading: false,
            });
        }
        let fits = match (word, dotted, roman) {
            (true, ..) => title.is_empty() || opens || marked,
            // "6.a – Quantité"; "2.a Lettre de candidature" is an item.
            (false, true, _) if number.ends_with(char::is_alphabetic) && !roman => marked && opens,
            (false, true, _) => opens || roman && title.is_empty(),
            (false, false, true) => marked && opens,
            (false, false, false) => (marked || styled || counted || is_shouted(title)) && opens,
        };
        fits.then(|| Opening { number: Some(number), title: title.to_owned(), is_heading: true })
    });
    let known = (TITLED.is_match(&fold(line)) || is_question(line)) && line.starts_with(char::is_uppercase);
    let styled = (styled || known).then(|| Opening { number: None, title: line.to_owned(), is_heading: true });
    found.or(styled)
}

/// Whether a line asks what the lines under it answer: "Quand serai-je payé ?"
fn is_question(line: &str) -> bool {
    const LONGEST: usize = 110;
    line.ends_with('?') && line.chars().count() <= LONGEST && !line.contains([';', '|', '.', ':'])
}

/// Whether words say something of somebody, as no title does.
fn has_verb(words: &str) -> bool {
    const VERBS: [&str; 12] =
        ["est", "sont", "a", "ont", "doit", "doivent", "peut", "peuvent", "sera", "seront", "ne", "se"];
    words.split([' ', '’', '\'']).any(|w| VERBS.contains(&w))
}

/// The title that a numbered paragraph begins with, where it has one: "Condition sociale du lot 1. Le traiteur…".
fn run_in(paragraph: &str) -> &str {
    /// Most words of such a title.
    const WORDS: usize = 7;
    let Some((first, rest)) = paragraph.split_once(['.', ':']) else { return "" };
    let rest = rest.trim_start();
    let fits = first.split(' ').count() <= WORDS
        && !has_verb(first)
        && rest.starts_with(char::is_uppercase)
        && first.chars().count() > 3;
    if fits { first.trim_end() } else { "" }
}

fn is_shouted(title: &str) -> bool {
    title.chars().filter(|c| c.is_alphabetic()).count() >= 4 && !title.chars().any(char::is_lowercase)
}

/// Whether a passage is a table of contents without leaders: many short lines that end with a page number.
fn contents_page(text: &str) -> bool {
    let numbered = text.lines().filter(|l| ends_with_page(l)).count();
    numbered >= 8 && numbered * 2 >= text.lines().count()
}

fn ends_with_page(line: &str) -> bool {
    let line = line.trim_end_matches([' ', '|']);
    let digits = line.bytes().rev().take_while(u8::is_ascii_digit).count();
    let before = line[..line.len() - digits].trim_end_matches([' ', '|']);
    (1..=3).contains(&digits) && before.ends_with(char::is_alphabetic) && article(before, false, false).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::piece::Passage;

    fn heading(line: &str) -> Option<String> {
        article(line, false, false).filter(|a| a.is_heading).and_then(|a| a.number)
    }

    #[test]
    fn headings_are_told_from_sentences() {
        for (line, number) in [
            ("ARTICLE 5 – CLAUSE SOCIALE", "5"),
            ("Article 5.2 : Modalités", "5.2"),
            ("5.2. Pénalités", "5.2"),
            ("5-2 Pénalités", "5.2"),
            ("7 CLAUSE D’INSERTION", "7"),
            ("3) Critères de jugement", "3"),
            ("II – Critères", "II"),
            ("II.3 Poser une question", "II.3"),
            ("B-2 Variation", "B.2"),
            ("Titre C – Temps", "C"),
            ("Clause 9 — Assurance", "9"),
            ("§ 8 – Action en faveur de l’emploi", "8"),
            ("Chapitre 4. Engagement social", "4"),
            ("Art. 1er. Forme", "1"),
            ("Article troisième. — Faut-il venir ?", "3"),
        ] {
            assert_eq!(heading(line).as_deref(), Some(number), "{line}");
        }
        for line in
            ["12 mois à compter de la notification", "500 heures d’insertion", "2 Rue de la Paix", "1. le prix ;"]
        {
            assert_eq!(heading(line), None, "{line}");
        }
        for line in ["A remettre avec l’offre", "C Chef d’équipe", "Premier dossier", "D’après le prix", "Cadre de vie"]
        {
            assert_eq!(heading(line), None, "{line}");
        }
    }

    fn numbers(kind: Kind, lines: &str) -> Vec<(String, String)> {
        let passage = Passage::new(Place::Page(1), lines.to_owned());
        let written = Written::of("x.pdf", kind, &Text { passages: vec![passage], ..Text::default() });
        written.articles.into_iter().map(|a| (a.number.unwrap_or_default(), a.title)).collect()
    }

    #[test]
    fn numbers_that_go_on_are_headings() {
        let of = |n: &str, title: &str| (n.to_owned(), title.to_owned());
        let text =
            "3 Dépôt\nLes plis sont déposés.\n4 Questions\nPar écrit.\n12 Rue du Port\n5 Visites\nElles sont libres.";
        assert_eq!(numbers(Kind::Rc, text), [of("3", "depot"), of("4", "questions"), of("5", "visites")]);
        let alone = "Adresse\n12 Rue du Port\n14 Quai Nord";
        assert!(numbers(Kind::Rc, alone).is_empty());
    }

    #[test]
    fn numbered_paragraphs_of_a_contract_are_articles() {
        let text = "1. Le marché est passé.\n2. Avance. Une avance est versée au titulaire du lot.\n3. Les prix sont fermes et \
                    définitifs pour tous.\n4. Les factures sont payées sous trente jours.\n5. Le titulaire est assuré pour tout.";
        let found = numbers(Kind::Ccap, text);
        assert_eq!(found.len(), 5);
        assert_eq!(found[1], ("2".to_owned(), "avance".to_owned()));
        assert!(numbers(Kind::Rc, text).is_empty());
    }

    #[test]
    fn what_closes_a_line_is_joined_to_it() {
        let passage = Passage::new(Place::Page(1), "– le prix, pour 40\n% ;\n– le délai".to_owned());
        let written = Written::of("x.pdf", Kind::Rc, &Text { passages: vec![passage], ..Text::default() });
        assert_eq!(written.text, "– le prix, pour 40 % ;\n– le délai\n");
    }

    #[test]
    fn words_are_found_on_their_page_under_their_article() {
        let page = |n, text: &str| Passage::new(Place::Page(n), text.to_owned());
        let text = Text {
            passages: vec![
                page(2, "5.2 Pénalités ........ 11\n5.1 Objet ....... 10"),
                page(10, "ARTICLE 5 – CLAUSE SOCIALE\nLe titulaire réserve\n5.1 Objet"),
                page(11, "5.2 Pénalités\nIl encourt 20 € par heure."),
            ],
            ..Text::default()
        };
        let written = Written::of("CCAP.pdf", Kind::Ccap, &text);
        let at = written.find("20 € par heure").unwrap();
        assert_eq!(written.whereabouts(at).to_string(), "CCAP (CCAP.pdf), art. 5.2, p. 11");
        assert!(!written.text.contains("....."));
    }
}
