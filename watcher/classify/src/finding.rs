//! What every reader of the judgement needs: the text, where to look, the lots; and which lots a statement binds to.

use std::ops::Range;

use memchr::{memchr_iter, memchr3_iter, memrchr2_iter};

use super::anchors::{Anchors, Topic};
use super::document::Document;
use super::numbers::{LotMention, lot_mentions, others, pointed_lots, speaks_of_all_lots};
use super::title::About;

/// Everything a reader needs.
#[derive(Debug)]
pub struct Reading<'a> {
    /// The text.
    pub doc: &'a Document,
    /// Where to look.
    pub anchors: &'a Anchors,
    /// Every lot of the procedure, as far as known.
    pub lots: &'a [String],
    /// Their titles, folded, in the same order.
    pub titles: &'a [String],
    /// What its title says that the contract is about.
    pub about: About,
}

/// Lots that a sentence spares: "sauf le lot 7", "hors lots 2 et 3".
fn exceptions(text: &str) -> Vec<String> {
    pattern!(
        EXCEPT,
        r"(?:sauf|hors|hormis|excepte|a l'exception d(?:u|es)?|a l'exclusion d(?:u|es)?|en dehors d(?:u|es)) (?:pour )?(?:(?:le titulaire|l'attributaire|celui|ceux) d(?:u|es) )?(?:le |les |du |des )?$"
    );
    lot_mentions(text).into_iter().filter(|m| EXCEPT.is_match(&text[..m.range.start])).flat_map(|m| m.lots).collect()
}

/// Most matches one expression may give in one document; far above any real notice, so that hostile text stays cheap.
const MAX_MATCHES: usize = 400;

impl<'a> Reading<'a> {
    /// Matches of an expression within the windows of a topic.
    pub fn matches(
        &self,
        topic: Topic,
        expression: &'static regex::Regex,
    ) -> impl Iterator<Item = Range<usize>> + use<'a> {
        let (doc, anchors) = (self.doc, self.anchors);
        anchors
            .windows(topic)
            .iter()
            .flat_map(move |w| {
                expression.find_iter(&doc.text()[w.clone()]).map(move |m| w.start + m.start()..w.start + m.end())
            })
            .take(MAX_MATCHES)
    }

    /// Text after `at`, up to `n` bytes, cut at the end of the sentence.
    #[must_use]
    pub fn rest_of_sentence(&self, at: usize, n: usize) -> &'a str {
        let text = self.doc.after(at, n);
        let bytes = text.as_bytes();
        let stops = memchr3_iter(b'.', b';', b'?', bytes);
        let brackets = memchr_iter(b')', bytes);
        let ends = |i: &usize| {
            let next = bytes.get(i + 1) == Some(&b' ');
            match bytes[*i] {
                b'.' => next && !ends_acronym(&bytes[..*i]),
                b';' | b'?' => next,
                // "(…) nouvelle phrase", but not "lot 2) nettoyage" nor "(peinture) et"
                b')' => {
                    next && *i > 0
                        && !bytes[i - 1].is_ascii_digit()
                        && bytes.get(i + 2).is_some_and(u8::is_ascii_lowercase)
                        && !GOES_ON.iter().any(|w| bytes[i + 2..].starts_with(w.as_bytes()))
                }
                _ => false,
            }
        };
        let end = stops.chain(brackets).filter(ends).min();
        &text[..end.unwrap_or(text.len())]
    }

    /// Text before `at`, up to `n` bytes, from the start of the sentence.
    #[must_use]
    pub fn start_of_sentence(&self, at: usize, n: usize) -> &'a str {
        let text = self.doc.before(at, n);
        let bytes = text.as_bytes();
        let cut = memrchr2_iter(b'.', b';', bytes).find(|i| bytes.get(i + 1) == Some(&b' ')).map_or(0, |i| i + 2);
        &text[cut..]
    }

    /// Text after `at`, up to `n` bytes, cut at the end of the sentence or of the form's line.
    #[must_use]
    pub fn rest_of_line(&self, at: usize, n: usize) -> &'a str {
        let rest = self.rest_of_sentence(at, n);
        &self.doc.text()[at..self.doc.line_end(at, at + rest.len())]
    }

    /// Text before `at`, up to `n` bytes, from the start of the sentence or of the form's line: what "Variantes : non" says
    /// ends with its line.
    #[must_use]
    pub fn start_of_line(&self, at: usize, n: usize) -> &'a str {
        let head = self.start_of_sentence(at, n);
        let line = self.doc.line_start(at, at - head.len());
        &self.doc.text()[line..at]
    }

    /// Whether the words at `range` are denied by what stands before them in their sentence: "n'est pas", "aucun des",
    /// "sans". A double negation ("n'exclut pas", "non seulement") denies nothing.
    #[must_use]
    pub fn denied(&self, range: &Range<usize>) -> bool {
        pattern!(
            SCOPE,
            r"^.*(?:, |: |\bmais |\(|\bavec |\bet (?:comporte|prevoit|impose|contient|integre|inclut|fait|est|sera) )"
        );
        pattern!(
            NOT,
            r"\b(?:ne|n)\b.*\b(?:pas|plus|aucune?|jamais|ni)\b|\baucune?\b|\b(?:sans|hors|ni)(?: [\w'-]+){0,3} $|\bpas d(?:e |')(?:[\w'-]+ ){0,3}$|\b(?:non|pas) $|\b(?:dispense|exempte?|exonere|depourvu|denue|exclu)e?s? d(?:e |u |es |e la |e l'|e toute )?(?:la |l'|toute )?$|\b(?:renonc|deroge)\w* a (?:toute |la |l'|une |tout )?(?:[\w']+ ){0,2}$|\babsence d(?:e |'une )(?:la |toute )?$|\bpas prevu d(?:e |')(?:[\w'-]+ ){0,3}$|\bsuppression d(?:e |es |u )(?:la |les |l')?(?:[\w']+ ){0,2}$"
        );
        pattern!(
            NOT_REALLY,
            r"n'exclut pas|non seulement|pas (?:uniquement|seulement|moins)|pas (?:juge|note|evalue|selectionne)e?s? (?:sur|au|selon)|non exclusi|ne respect\w+ pas|\breserves?\b.* sur "
        );
        let head = self.start_of_line(range.start, 140);
        let scope = SCOPE.find(head).map_or(head, |m| &head[m.end()..]);
        NOT.is_match(scope) && !NOT_REALLY.is_match(scope)
    }

    /// Whether the words up to `at` are taken back by what follows: "est supprimée", "ne sera pas retenu".
    #[must_use]
    pub fn taken_back(&self, at: usize) -> bool {
        pattern!(
            BACK,
            r"^[^.;,]{0,50}(?:(?:est|sont|a ete|ont ete|sera) (?:supprime|retire|abandonne|annule|leve(?:e|s|es)?\b|abroge|caduque?|sans objet)|ne (?:sera|seront|sont) pas|n'(?:a|ont) pas ete|ne s'applique(?:nt)? (?:pas|plus)|ne concerne(?:nt)? pas|n'est (?:pas|plus) (?:applicable|appliquee?|prevue?|retenue?|exigee?|requise?|demandee?|prise? en|pris en|imposee?|envisagee?))"
        );
        BACK.is_match(self.rest_of_sentence(at, 110))
    }

    /// Lots that a statement at `range`, within the unit `unit`, binds to; empty = all.
    ///
    /// The nearest lots named before it in its sentence count, else those named just after, else those the words point at ("les
    /// deux premiers lots", "ce dernier lot"), else the lot of the block of text it stands in.
    #[must_use]
    pub fn lots_within(&self, range: &Range<usize>, unit: &Range<usize>) -> Vec<String> {
        let text = self.doc.text();
        let floor = text.ceil_char_boundary(unit.start.max(range.start.saturating_sub(400)).min(range.start));
        let ceiling = text.floor_char_boundary(unit.end.min(range.end + 200).max(range.end));
        let before = &text[floor..range.start];
        let cut = before.rfind("; ").map_or(0, |i| i + 2);
        let start = floor + cut;
        let before = &before[cut..];
        let after = &text[range.end..ceiling];
        let after = &after[..after.find("; ").unwrap_or(after.len())];
        let sentence = &text[start..range.end + after.len()];
        let spared = exceptions(sentence);
        let all_but = || self.lots.iter().filter(|l| !spared.contains(l)).cloned().collect::<Vec<_>>();
        if speaks_of_all_lots(before) || speaks_of_all_lots(after) || speaks_of_all_lots(&text[range.clone()]) {
            return if spared.is_empty() { Vec::new() } else { all_but() };
        }
        let (from, to) = (before.len(), before.len() + range.len());
        let mentions: Vec<LotMention> =
            lot_mentions(sentence).into_iter().filter(|m| !m.lots.iter().all(|l| spared.contains(l))).collect();
        if mentions.is_empty() && !spared.is_empty() {
            return all_but();
        }
        let named_before = mentions.iter().rev().find(|m| m.range.end <= from);
        // The statement may hold the number ("reserver le lot 2"), or be held by it ("lots reserves aux siae : 3, 5 et 8").
        let named_inside = mentions.iter().find(|m| m.range.end > from && m.range.start <= to + 1);
        let named_after = mentions.iter().find(|m| m.range.start > to && m.range.start <= to + 90);
        // "clause d'insertion (lots 2 et 5)": brackets right behind belong to the words before them.
        let in_brackets = named_after.filter(|m| sentence[to..m.range.start].trim() == "(");
        if let Some(inside) = named_inside.filter(|m| m.range.start < from && m.range.end >= to) {
            let before = inside.lots_before(from);
            let last = inside.at.last().copied().unwrap_or(from).max(inside.range.start);
            let each = before.is_empty() || !sentence[inside.range.start..last].contains('(');
            return if each { inside.lots.clone() } else { before };
        }
        // "lot 1 (EA), lot 2 (SIAE)": what stands in brackets is of the last one.
        if let Some(m) = named_before.filter(|m| {
            sentence[m.range.end..from].trim() == "(" && m.lots.len() > 1 && sentence[m.range.clone()].contains('(')
        }) {
            return m.lots_before(from);
        }
        if let Some(mention) = in_brackets.or(named_inside).or(named_before).or(named_after) {
            return mention.lots.iter().filter(|l| !spared.contains(l)).cloned().collect();
        }
        // "Notation des lots 2 et 3 : prix 50 ; technique 35 ; emploi 15": the label speaks for each item.
        if cut > 0
            && let Some(label) = text[floor..range.start].split(" : ").next().filter(|l| l.len() < cut)
            && let Some(mention) = lot_mentions(label).pop()
        {
            return mention.lots;
        }
        if let Some(rest) = self.the_others(sentence, start) {
            return rest;
        }
        if let Some(pointed) = pointed_lots(sentence, self.lots) {
            return pointed;
        }
        if let Some(lots) = self.titled(sentence) {
            return lots;
        }
        // "Cette application se limite aux plaques de porte ; sont appelés à concourir, pour ces dernières, …"
        if ["ces dernier", "cette dernier", "n'y sont", "n'y est", "celui-la"].iter().any(|w| sentence.contains(w))
            && let Some(lots) = self.titled(self.doc.before(start, 220))
        {
            return lots;
        }
        // "Sur ce lot, …" is of the lot that its block of a form speaks of.
        let block = self.doc.lot_at(range.start).map(|lot| vec![lot.to_owned()]);
        if block.is_none()
            && THIS_LOT.is_match(sentence)
            && let lots = self.last_lot_named(start)
            && !lots.is_empty()
        {
            return lots;
        }
        block.unwrap_or_default()
    }

    /// "Le premier est ouvert à tous. Les deux autres …": the lots that the sentence before does not speak of, if they are so many.
    fn the_others(&self, sentence: &str, at: usize) -> Option<Vec<String>> {
        let many = others(sentence)?;
        let before = self.doc.before(at, 200);
        let told = pointed_lots(before, self.lots)
            .unwrap_or_else(|| lot_mentions(before).pop().map(|m| m.lots).unwrap_or_default());
        let rest: Vec<String> = self.lots.iter().filter(|l| !told.contains(l)).cloned().collect();
        (!told.is_empty() && rest.len() == many).then_some(rest)
    }

    /// A lot named by its title: "le lot gros œuvre", "sur le lot VRD".
    fn titled(&self, sentence: &str) -> Option<Vec<String>> {
        // "Réservation pour l'Île de Thau", "les lots relatifs au gros œuvre et à la peinture".
        const LEADS: [&str; 8] =
            ["pour l'", "pour la ", "pour le ", "pour les ", "relatifs au ", "relatif au ", "et a la ", "« "];
        // "La cafétéria de l'hémicycle fait l'objet d'une réservation": some words are of no other matter.
        let telling = |title: &String| title.len() >= 12 && title.contains(' ') && sentence.contains(title.as_str());
        let named = |title: &String| {
            telling(title)
                || title.len() >= 5
                    && sentence
                        .match_indices(title.as_str())
                        .any(|(at, _)| LEADS.iter().any(|w| sentence[..at].ends_with(w)))
        };
        // "Celui de l'Aude et celui de Mende": a word of one title only.
        pattern!(THAT_OF, r"\bcel(?:ui|le) (?:de |du |d')(?:l'|la |le )?([a-z]{4,})");
        let of_one = |word: &str| {
            let mut with =
                self.titles.iter().zip(self.lots).filter(|(t, _)| t.split([' ', '\'', '-']).any(|w| w == word));
            with.next().filter(|_| with.next().is_none()).map(|(_, lot)| lot.clone())
        };
        let those: Vec<String> = THAT_OF.captures_iter(sentence).filter_map(|c| of_one(c.get(1)?.as_str())).collect();
        if !those.is_empty() {
            return Some(those);
        }
        let found: Vec<String> =
            self.titles.iter().zip(self.lots).filter(|(t, _)| named(t)).map(|(_, lot)| lot.clone()).collect();
        if !found.is_empty() && found.len() < self.lots.len() {
            return Some(found);
        }
        let words = sentence.split("lot ").skip(1).find_map(|tail| {
            let tail = tail.trim_start_matches(['"', '«', '“', ' ']);
            tail.starts_with(|c: char| c.is_ascii_alphabetic()).then_some(tail)
        })?;
        let known = self.titles.iter().zip(self.lots).find(|(title, _)| {
            let head: String = title.split([',', '-', '(', ':']).next().unwrap_or_default().trim().to_owned();
            head.len() >= 3 && words.starts_with(head.as_str())
        });
        known.map(|(_, lot)| vec![lot.clone()])
    }

    /// The lots whose title a line's label begins: "- gros œuvre : sept cent dix heures".
    #[must_use]
    pub fn lots_of_label(&self, unit: &Range<usize>) -> Vec<String> {
        let text = &self.doc.text()[unit.clone()];
        let Some((label, _)) = text.split_once(" : ") else { return Vec::new() };
        let label = label.trim_matches([' ', '-', '–', '•', '.']);
        if label.len() < 3 {
            return Vec::new();
        }
        let begun = self.titles.iter().zip(self.lots).filter(|(t, _)| t.starts_with(label));
        let begun: Vec<String> = begun.map(|(_, lot)| lot.clone()).collect();
        if begun.is_empty() { self.lot_of_words(label).into_iter().collect() } else { begun }
    }

    /// The one lot whose title holds every word of a label: "gros œuvre" of "démolition, gros œuvre".
    fn lot_of_words(&self, label: &str) -> Option<String> {
        let words: Vec<&str> = label.split([' ', '\'', '-', ',']).filter(|w| w.len() > 3).collect();
        let holds = |title: &str| words.iter().all(|w| title.split([' ', '\'', '-', ',', '(', ')']).any(|t| t == *w));
        let mut of_it = self.titles.iter().zip(self.lots).filter(|(t, _)| holds(t));
        let (_, lot) = of_it.next().filter(|_| !words.is_empty())?;
        of_it.next().is_none().then(|| lot.clone())
    }

    /// The one lot of whose title a part, or the first word, stands in some words.
    #[must_use]
    pub fn lot_titled_in(&self, words: &str) -> Option<String> {
        let of_it = |title: &String| {
            let mut parts = title.split([',', '(', ')', ':', '/', '–']).map(str::trim);
            let first = parts.clone().next().and_then(|head| head.split(' ').next()).unwrap_or_default();
            parts.any(|part| part.len() >= 4 && words.contains(part)) || first.len() >= 5 && words.contains(first)
        };
        let mut named = self.titles.iter().zip(self.lots).filter(|(title, _)| of_it(title));
        let (_, lot) = named.next()?;
        named.next().is_none().then(|| lot.clone())
    }

    /// Lots named in a unit, in place.
    #[must_use]
    pub fn mentions(&self, unit: &Range<usize>) -> Vec<LotMention> {
        let mut found = lot_mentions(&self.doc.text()[unit.clone()]);
        for m in &mut found {
            m.range = unit.start + m.range.start..unit.start + m.range.end;
        }
        found
    }

    /// Lots whose part of the text says "idem lot 1", "comme le lot 2", each with the one it is like.
    #[must_use]
    pub fn lots_like_others(&self) -> Vec<(String, String)> {
        pattern!(
            LIKE,
            r"\b(?:idem|comme|identique|memes? (?:conditions|clauses?|dispositions?) que) (?:que |a |pour |au |le |celui du |celle du )*lot (?:n ?° ?)?([0-9]{1,3}|[a-h])\b"
        );
        let like = |b: &super::document::LotBlock| {
            let other = LIKE.captures(&self.doc.text()[b.range.clone()])?.get(1)?.as_str().to_uppercase();
            Some((b.id.clone(), vigie_domain::Lot::clean_id(&other)))
        };
        self.doc.blocks.iter().filter_map(like).filter(|(lot, other)| lot != other).collect()
    }

    /// Whether a unit speaks of every lot at once.
    #[must_use]
    pub fn speaks_of_all(&self, unit: &Range<usize>) -> bool {
        speaks_of_all_lots(&self.doc.text()[unit.clone()])
    }

    /// The lot that "ledit lot" points at: the last one named before `at`.
    fn last_lot_named(&self, at: usize) -> Vec<String> {
        let named = lot_mentions(self.doc.before(at, 400)).pop();
        named.map(|m| m.lots.into_iter().next_back().into_iter().collect()).unwrap_or_default()
    }
}

/// Words that go on with a sentence behind brackets.
const GOES_ON: [&str; 6] = ["et ", "ou ", "ainsi ", "pour ", "sont ", "est "];

/// Whether a full stop behind `text` belongs to an acronym: "e.a.", "s.i.a.e.".
fn ends_acronym(text: &[u8]) -> bool {
    match text {
        [.., before, letter] => letter.is_ascii_lowercase() && *before == b'.',
        _ => false,
    }
}

pattern!(
    THIS_LOT,
    r"\b(?:ledit|dudit|audit|ce|du present|le present|au present|pour ce|de ce) lot\b|\ble lot (?:porte|comporte|prevoit|supporte|emporte)\b"
);
