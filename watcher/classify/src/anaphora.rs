//! What a sentence takes over from those before it: "ces personnes", "leur confie", "cette obligation est de 210 heures", "elle s'élève à",
//! "R. Ce sont les heures …".
//!
//! Two ways, for all frames. A word that stands for people or structures named just before *is* them: [`people`] gives the statement the
//! concept, at that word. And two sentences of which neither is explained, the second going on with the first, are read again as
//! one ([`join`]): a statement of both, the end of the first still an end for denials and forms.

use std::borrow::Cow;

use super::lexicon::{Concept, Concepts, Hit};
use super::quantity::{Quantity, Unit};
use super::statement::{self, Statement};
use super::token::{Token, mark};

/// Those whom a pronoun may stand for.
pub(super) const PEOPLE: Concepts = Concepts::of(&[Concept::FarFromWork]);

/// What makes two sentences worth reading as one.
const MATTERS: Concepts = Concepts::of(&[
    Concept::FarFromWork,
    Concept::WorkForPeople,
    Concept::ClauseName,
    Concept::InsertionAction,
    Concept::SocialDuty,
    Concept::SocialMerit,
    Concept::Sheltered,
    Concept::WorkIntegration,
    Concept::SocialEconomy,
    Concept::Prison,
    Concept::Reserve,
    Concept::Facilitator,
]);

/// A word that stands for people named before, as a hit: it holds where what stands before names them. `says`: what is said here.
pub(super) fn people(tokens: &[Token<'_>], says: Concepts) -> Option<Hit> {
    if says.meets(PEOPLE) {
        return None;
    }
    let word = |i: usize| tokens.get(i).map_or("", |t: &Token<'_>| t.word.as_ref());
    let stands_for = |i: &usize| match word(*i) {
        "eux" | "celles" | "ceux" => word(i + 1) != "qui" && word(i + 1) != "de" && word(i + 1) != "du",
        // "leur confie", not "leur offre".
        "leur" => {
            let next = word(i + 1);
            let verb =
                ["confi", "attribu", "donn", "reserv", "propos", "ouvr", "consacr", "revien", "fourni", "offrir"];
            verb.iter().any(|v| next.starts_with(v))
                || matches!(word(i + 1), "fait" | "est" | "sont" | "sera" | "seront")
        }
        "ces" | "tels" | "telles" | "memes" => {
            ["personne", "public", "gens", "salarie", "jeune", "habitant", "beneficiaire", "demandeur", "candidat"]
                .iter()
                .any(|w| word(i + 1).starts_with(w))
        }
        "cette" => word(i + 1) == "sorte" || matches!(word(i + 1), "categorie" | "population"),
        _ => false,
    };
    let at = (0..tokens.len()).find(stands_for)?;
    Some(Hit { concept: Concept::FarFromWork, from: at, to: at + 1 })
}

/// Whether a statement goes on with what the one before it named: by a demonstrative, a pronoun that is its subject, "à ce titre", "le
/// volume", or as the answer to a question.
pub(super) fn refers_back(s: &Statement<'_>) -> bool {
    const OF_IT: &[&str] = &[
        "obligation",
        "effort",
        "engagement",
        "volume",
        "part",
        "partie",
        "fraction",
        "proportion",
        "quota",
        "nombre",
        "objectif",
        "clause",
        "condition",
        "demande",
        "temps",
        "mesure",
        "action",
        "personne",
        "public",
        "heure",
        "disposition",
        "exigence",
        "seuil",
        "minimum",
        "critere",
        "note",
        "quantite",
        "travail",
        "emploi",
        "embauche",
        "regle",
        "reservation",
        "categorie",
        "accueil",
        "participation",
        "contribution",
        "point",
        "duree",
        "dispositif",
    ];
    const SET: &[&str] =
        &["volume", "quota", "nombre", "objectif", "minimum", "seuil", "total", "effort", "part", "duree"];
    let word = |i: usize| s.tokens.get(i).map_or("", |t| t.word.as_ref());
    let names = |list: &[&str], i: usize| list.iter().any(|w| word(i).starts_with(w));
    // "3.2 Cette part …", "R. Ce sont …".
    let first = (0..3).find(|i| {
        let t = word(*i);
        !(t.starts_with(|c: char| c.is_ascii_digit())
            || matches!(t, "r" | "reponse" | "article" | "et" | "mais" | "donc"))
    });
    let Some(first) = first else { return false };
    let answers = matches!(word(0), "r" | "reponse");
    let demonstrative = |i: usize| match word(i) {
        "ce" => matches!(word(i + 1), "sont") || names(OF_IT, i + 1),
        "cet" | "cette" | "ces" | "celle" | "celui" => {
            names(OF_IT, i + 1) || matches!(word(i + 1), "ci" | "la") && s.tokens[i + 1].after(mark::HYPHEN)
        }
        _ => false,
    };
    let subject = match word(first) {
        "il" | "ils" => {
            ["est", "sont", "s", "compte", "comptent", "pese", "porte", "portent", "vaut", "en", "represente"]
                .contains(&word(first + 1))
                && !matches!(
                    word(first + 2),
                    "agit" | "possible" | "interdit" | "rappele" | "precise" | "prevu" | "fait"
                )
        }
        "elle" | "elles" | "ceci" | "cela" => true,
        // "Les 100 heures sont un plancher."
        "les" if s.numbers.iter().any(|q| q.from == first + 1 && q.unit == Unit::Hours) => true,
        "idem" => true,
        "le" | "la" | "l" | "un" | "les" => names(SET, first + 1) && !s.says.has(Concept::Contract),
        "leur" | "leurs" => true,
        "y" | "en" => false,
        "aussi" | "ainsi" => s.says.has(Concept::Winner),
        "a" | "au" => matches!(word(first + 1), "ce" | "cet" | "defaut") || names(&["titre"], first + 1),
        "pour" => matches!(word(first + 1), "cela" | "ce" | "ceci"),
        _ => false,
    };
    // "On cherche un ACI. Uniquement."
    if s.tokens.len() <= 2 && s.of(Concept::Only).any(|o| o.from == 0) {
        return true;
    }
    // "L'entreprise y consacrera 110 heures."
    let there = (first + 1..first + 4).any(|i| word(i) == "y");
    answers || subject || there || (first..first + 10).any(demonstrative)
}

/// Whether the statement behind one takes back what it names: "l'acheteur n'en a pas retenu", "ce marché n'y est pas soumis", "aucune
/// obligation n'en résulte", "tel n'est pas le cas".
pub(super) fn takes_back(tokens: &[Token<'_>], says: Concepts) -> bool {
    let word = |i: usize| tokens.get(i).map_or("", |t: &Token<'_>| t.word.as_ref());
    if this_one_is_free(tokens, says) {
        return true;
    }
    let no = |from: usize, to: usize| {
        (from..to.min(tokens.len())).any(|i| matches!(word(i), "pas" | "plus" | "aucun" | "aucune" | "rien" | "ni"))
    };
    let kept = tokens.iter().any(|t| {
        matches!(t.word.as_ref(), "lot" | "lots" | "autre" | "autres")
            || ["dispens", "exempt", "exoner"].iter().any(|w| t.word.starts_with(w))
    });
    !kept
        && tokens.len() <= 40
        && (0..tokens.len().min(24)).any(|i| {
            // "n'en obtiendra pas plus de trois", "n'y ont pas accès" speak of something else.
            let of_it = word(i) == "n"
                && matches!(word(i + 1), "en" | "y")
                && (no(i + 2, i + 6) || no(i.saturating_sub(5), i))
                && [
                    "soum", "concern", "oblig", "appliqu", "astrein", "assujett", "comport", "prev", "a", "ont",
                    "result", "conti", "est",
                ]
                .iter()
                .any(|w| (i + 2..i + 7).any(|k| if w.len() <= 3 { word(k) == *w } else { word(k).starts_with(w) }))
                && !(i + 2..i + 7).any(|k| matches!(word(k), "acces" | "suffit" | "moins" | "obtiendra"));
            // "Les marchés d'études, comme celui-ci, n'entrent pas …", "celui-ci reste ouvert à tous".
            let this_one = word(i) == "celui"
                && word(i + 1) == "ci"
                && (no(i, i + 8) && (i..i + 8).any(|k| matches!(word(k), "ne" | "n"))
                    || matches!(word(i + 2), "reste" | "est" | "demeure")
                        && (i..i + 6).any(|k| word(k).starts_with("ouvert")));
            let case = word(i) == "n" && word(i + 1) == "est" && word(i + 2) == "pas" && word(i + 4) == "cas";
            of_it || case || this_one
        })
}

/// "Ce marché n'est pas concerné", "la présente opération n'entre pas dans ce champ", "la présente consultation est ouverte à tous" (behind
/// a reservation), "ce point n'est ni exigé ni noté": said of this contract, and of nothing but what stands before.
fn this_one_is_free(tokens: &[Token<'_>], says: Concepts) -> bool {
    const BOUND: [&str; 13] = [
        "concern", "soum", "entr", "comport", "prev", "vis", "appliqu", "attein", "relev", "reserv", "impos", "conti",
        "assujett",
    ];
    let word = |i: usize| tokens.get(i).map_or("", |t: &Token<'_>| t.word.as_ref());
    let this = (0..4).any(|i| {
        word(i).starts_with("present")
            || matches!(word(i), "ce" | "cette" | "celui" | "celle")
                && ["marche", "consultation", "contrat", "operation", "procedure", "accord", "ci"]
                    .iter()
                    .any(|w| word(i + 1).starts_with(w))
    });
    let point = word(0) == "ce" && word(1) == "point" || matches!(word(0), "cela" | "ceci");
    let ends = |i: usize| {
        i >= tokens.len() || tokens[i].after(mark::STOP | mark::ITEM | mark::COMMA | mark::COLON | mark::OPEN)
    };
    let of_it = |i: usize| {
        (i..tokens.len().min(i + 8)).any(|k| {
            matches!(word(k), "ce" | "cet" | "cette" | "ces")
                && [
                    "champ",
                    "seuil",
                    "cadre",
                    "dispositi",
                    "obligation",
                    "clause",
                    "regle",
                    "faculte",
                    "perimetre",
                    "exigence",
                    "mesure",
                ]
                .iter()
                .any(|w| word(k + 1).starts_with(w))
        })
    };
    let free = |i: usize| {
        if !matches!(word(i), "n" | "ne") {
            return false;
        }
        let pronoun = matches!(word(i + 1), "en" | "y");
        let Some(no) = (i + 1..i + 5).find(|k| matches!(word(*k), "pas" | "plus" | "aucun" | "aucune" | "ni")) else {
            return false;
        };
        let bound = (i + 1..no + 3).any(|k| BOUND.iter().any(|w| word(k).starts_with(w)));
        point && word(no) == "ni" || this && bound && (pronoun || ends(no + 1) || ends(no + 2) || of_it(no + 1))
    };
    let open = says.has(Concept::Reserve)
        && !says.any(&[Concept::ClauseName, Concept::InsertionAction])
        && (1..tokens.len().min(9))
            .any(|i| word(i).starts_with("ouvert") && word(i + 1) == "a" && word(i + 2).starts_with("tou"))
        && !tokens.iter().any(|t| matches!(t.word.as_ref(), "lot" | "lots"));
    (this || point) && tokens.len() <= 30 && (this && open || (0..tokens.len()).any(free))
}

/// Whether two statements may be one matter: neighbours of a paragraph, none of them a cell, an option or a heading of its own.
fn beside(a: &Statement<'_>, b: &Statement<'_>) -> bool {
    // One that tells nothing by itself was asked, an option was not.
    let plain = |s: &Statement<'_>| !s.unit.cell && (s.unit.ticked.is_none() || s.chances.is_some()) && !s.denied_below;
    let heading = a.unit.is_heading && a.unit.line != b.unit.line && a.tokens.len() > 4;
    b.index == a.last + 1
        && b.unit.line - a.unit.line <= 1
        && plain(a)
        && plain(b)
        && !heading
        && a.tokens.len() + b.tokens.len() <= 160
}

/// Joins each two neighbours of which neither is explained and the second goes on with the first; `true` where there were any.
pub(super) fn join(statements: &mut Vec<Statement<'_>>, explained: &[usize]) -> bool {
    let open = |s: &Statement<'_>| !explained.contains(&s.index);
    let mut out: Vec<Statement<'_>> = Vec::with_capacity(statements.len());
    let mut any = false;
    for s in statements.drain(..) {
        let joins = out.last().is_some_and(|a| {
            let alone = s.tokens.len() <= 2 && s.says.has(Concept::Only) && a.says.any(super::lexicon::STRUCTURES);
            beside(a, &s)
                && (alone || open(a) && open(&s))
                && (a.says.meets(MATTERS) || s.says.meets(MATTERS))
                && refers_back(&s)
        });
        if joins && let Some(a) = out.pop() {
            out.push(both(a, s));
            any = true;
        } else {
            out.push(s);
        }
    }
    *statements = out;
    any
}

/// One statement of two.
fn both<'a>(a: Statement<'a>, b: Statement<'a>) -> Statement<'a> {
    let shift = a.tokens.len();
    let mut tokens = a.tokens;
    tokens.extend(b.tokens);
    if let Some(first) = tokens.get_mut(shift) {
        first.before |= if a.trailing.contains('?') { mark::ASK } else { mark::STOP };
    }
    let mut hits = a.hits;
    hits.extend(b.hits.into_iter().map(|h| Hit { from: h.from + shift, to: h.to + shift, ..h }));
    let mut numbers = a.numbers;
    numbers.extend(b.numbers.into_iter().map(|q| Quantity { from: q.from + shift, to: q.to + shift, ..q }));
    let range = a.unit.range.start..b.unit.range.end;
    // What told nothing by itself may tell something with the other; an option that nobody ticked still tells nothing.
    let ticked = a.unit.ticked.filter(|_| a.chances.is_none());
    Statement {
        index: a.index,
        last: b.last,
        unit: Cow::Owned(statement::Unit { range: range.clone(), is_heading: false, ticked, ..a.unit.into_owned() }),
        trailing: b.trailing,
        tokens,
        hits,
        numbers,
        says: a.says.with(b.says),
        heading: a.heading,
        denied_below: false,
        previous: a.previous,
        before: a.before,
        among_weights: a.among_weights,
        weighed_before: a.weighed_before,
        chances: None,
        context: range,
    }
}
