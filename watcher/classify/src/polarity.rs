//! Whether a statement asserts, denies, lifts, supposes or merely remembers what its words name: once, for all frames.
//!
//! "Aucune clause", "n'est pas réservé", "Clause sociale : ☒ Non", "la clause est supprimée", "si le marché est réservé", "le contrat
//! qui s'achève imposait": none of these gives. A double negation ("n'exclut pas", "non seulement") takes nothing away.

use super::lexicon::{Concept, Hit};
use super::quantity::Unit;
use super::statement::Statement;
use super::token::mark;

/// How far behind a word its denial may stand, in words.
const REACH: usize = 14;

/// Whether what a hit names is not given here, for any of the reasons above.
#[must_use]
pub fn void(s: &Statement<'_>, hit: &Hit) -> bool {
    // A reservation that is only meant is told as such.
    settled(s, hit) || hit.concept != Concept::Reserve && possible(s, hit)
}

/// Whether it is told that it is not so, or only supposed: nothing to doubt.
#[must_use]
pub fn settled(s: &Statement<'_>, hit: &Hit) -> bool {
    not_so(s, hit) || supposed(s, hit) || permitted(s, hit)
}

/// "Le titulaire pourra sous-traiter une partie à des ESAT": leave to do so asks nothing.
fn permitted(s: &Statement<'_>, hit: &Hit) -> bool {
    let part = s.clause_start(hit.from, mark::STOP | mark::ITEM)..s.clause_end(hit.to - 1, mark::STOP | mark::ITEM);
    let may = |at: usize| s.has_word(at.saturating_sub(3), at, &["pourra", "pourront", "peut", "peuvent"]);
    s.of(Concept::Subcontract).any(|c| part.contains(&c.from) && c.from <= hit.from && may(c.from))
        && s.numbers.is_empty()
        && !s.says.any(&[Concept::ClauseName, Concept::Duty])
}

/// Whether it is asked, denied, taken away or past.
fn not_so(s: &Statement<'_>, hit: &Hit) -> bool {
    s.unit.ticked == Some(false)
        || s.trailing.contains('?')
        || s.denied_below
        || replaced(s, hit)
        || denied(s, hit)
        || remembered(s, hit)
        || speaks_of_itself(s)
}

/// "Le marché pourrait comporter une clause", "nous étudions une clause": nothing is decided.
fn possible(s: &Statement<'_>, hit: &Hit) -> bool {
    let part = s.clause_start(hit.from, mark::STOP | mark::ASK | mark::ITEM)
        ..s.clause_end(hit.to - 1, mark::STOP | mark::ITEM);
    s.of(Concept::Possible).any(|p| part.contains(&p.from))
}

/// "Au lieu de : « le lot 3 est réservé »": what a correction takes away.
fn replaced(s: &Statement<'_>, hit: &Hit) -> bool {
    let instead = (1..hit.from.min(8)).rev().find(|i| s.tokens[*i].word == "lieu" && s.tokens[i - 1].word == "au");
    instead.is_some_and(|i| !s.has_word(i, hit.from, &["lire"]))
}

/// Whether a statement is what a correction takes away, and nothing else.
#[must_use]
pub fn taken_away(s: &Statement<'_>) -> bool {
    let words = || s.tokens.iter().take(6).map(|t| t.word.as_ref());
    let instead = words().zip(words().skip(1)).any(|pair| pair == ("au", "lieu"));
    instead && !s.has_word(0, s.tokens.len(), &["lire"])
}

/// Whether it is denied, before or behind, or lifted.
#[must_use]
pub fn denied(s: &Statement<'_>, hit: &Hit) -> bool {
    if s.of(Concept::NotDenied).any(|h| h.from < hit.to + REACH && hit.from < h.to + REACH) {
        return denied_by_answer(s, hit);
    }
    denied_before(s, hit)
        || denied_by_sentence(s, hit)
        || denied_by_answer(s, hit)
        || denied_behind(s, hit)
        || lifted(s, hit)
}

/// "Critère social : l'acheteur n'en a pas retenu": a label, and a sentence that says no.
fn denied_by_sentence(s: &Statement<'_>, hit: &Hit) -> bool {
    let Some(colon) = (hit.to..s.tokens.len().min(hit.to + 3)).find(|i| s.tokens[*i].after(mark::COLON)) else {
        return false;
    };
    let end = s.clause_end(colon, mark::STOP | mark::ITEM);
    let ne = (colon..end.min(colon + 18)).find(|i| matches!(s.tokens[*i].word.as_ref(), "ne" | "n"));
    // "Clause sociale : au vu du sourcing, le Département n'a pas jugé opportun d'en introduire une."
    let of_it = (colon..end).any(|i| {
        s.tokens[i].word == "en"
            && s.has_one(i + 1, i + 3, words_of!("introduire prevoir inserer imposer retenir fixer a ont comporte"))
            && s.has_word(colon, i + 5, &["pas", "aucune", "aucun", "plus"])
            && s.has_word(colon, i, &["n", "ne"])
    });
    if of_it && hit.from <= 8 {
        return true;
    }
    hit.from <= 8
        && ne.is_some_and(|ne| {
            s.has_word(ne, end.min(ne + 5), &["pas", "aucun", "aucune"])
                && !s.has_word(ne, end.min(ne + 5), &["inferieur", "inferieure", "moins"])
        })
        && !s.any_of(&[Concept::Winner]).any(|w| w.from >= colon && w.from < ne.unwrap_or(0))
}

/// Where the clause of a hit begins, as far as denial reaches.
fn scope_start(s: &Statement<'_>, at: usize) -> usize {
    let mut i = at;
    while i > 0 && at - i < 30 {
        let token = &s.tokens[i];
        if token.after(mark::COMMA | mark::COLON | mark::OPEN | mark::ITEM | mark::STOP | mark::ASK) {
            break;
        }
        let word = s.tokens[i - 1].word.as_ref();
        let new_verb = word == "et" && s.any_of(&[Concept::Duty]).any(|h| h.from == i && h.from < at);
        if matches!(word, "mais" | "avec") || new_verb {
            break;
        }
        i -= 1;
    }
    i
}

fn denied_before(s: &Statement<'_>, hit: &Hit) -> bool {
    let start = scope_start(s, hit.from);
    let word = |i: usize| s.tokens[i].word.as_ref();
    // "ne … pas", the second half before or just behind the words.
    let end = s.clause_end(hit.to - 1, mark::STOP | mark::ITEM | mark::COLON).min(hit.to + 6);
    for i in start..hit.from {
        match word(i) {
            "ne" | "n" => {
                let rest = &s.tokens[i + 1..end.max(i + 1)];
                let second = rest.iter().find(|t| {
                    matches!(t.word.as_ref(), "pas" | "plus" | "aucun" | "aucune" | "ni" | "jamais" | "que" | "qu")
                });
                if second.is_some_and(|t| !matches!(t.word.as_ref(), "que" | "qu")) {
                    return true;
                }
            }
            "aucun" | "aucune" => return true,
            _ => {}
        }
    }
    // Words that deny what follows at once.
    s.of(Concept::Deny).any(|d| {
        let reach = match word(d.from) {
            "non" => 1,
            "ni" => 7,
            w if ["suppri", "retir", "enlev", "abrog", "ecart"].iter().any(|v| w.starts_with(v)) => 14,
            w if w.starts_with("renonc") || w.starts_with("derog") || w.starts_with("dispens") => 8,
            _ => 5,
        };
        d.to <= hit.from && d.from >= start && hit.from - d.to < reach && word(d.from) != "hors"
            || d.to <= hit.from && d.from >= start && word(d.from) == "hors" && hit.from - d.to < 2
    }) || (start..hit.from).any(|i| {
        word(i) == "pas" && (hit.from - i <= 4 || i == start && hit.from - i <= 9 && matches!(word(i + 1), "de" | "d"))
    })
}

/// "Clause sociale : non", "réservé ? R : Non.", "☐ Oui ☒ Non", "Heures d'insertion : 0".
#[must_use]
pub fn denied_by_answer(s: &Statement<'_>, hit: &Hit) -> bool {
    if s.unit.ticked == Some(false) {
        return true;
    }
    // "[Clause sociale] non –", "O / N → N", "au lieu de Oui, lire : Non".
    let word = |i: usize| s.tokens.get(i).map_or("", |t| t.word.as_ref());
    let closing = (hit.to..s.tokens.len().min(hit.to + 6)).find(|i| s.tokens[*i].after(mark::CLOSE));
    let boxed = closing.is_some_and(|i| {
        word(i) == "non" && s.tokens.get(i + 1).is_none_or(|t| t.before != 0) && s.tokens[hit.from].after(mark::OPEN)
    });
    let choice = (hit.to..s.tokens.len().min(hit.to + 6)).find(|i| {
        matches!(word(*i), "o" | "oui") && matches!(word(i + 1), "n" | "non") && s.tokens[i + 1].after(mark::SLASH)
    });
    let chosen = choice.is_some_and(|i| matches!(word(i + 2), "n" | "non"));
    let corrected = (hit.to..s.tokens.len().min(hit.to + REACH)).any(|i| word(i) == "lire" && word(i + 1) == "non");
    let not_applicable = (hit.to..s.tokens.len().min(hit.to + 6)).any(|i| {
        word(i) == "n" && word(i + 1) == "a" && s.tokens[i].after(mark::COLON) && s.tokens[i + 1].after(mark::SLASH)
    });
    if boxed || chosen || corrected || not_applicable {
        return true;
    }
    // A form's line, or a row whose cells lost their bars: "Marché réservé aux EA/ESAT Non".
    let last = s.tokens.len().saturating_sub(1);
    let alone = (hit.to..hit.to + 4).contains(&last)
        && matches!(word(last), "non" | "neant")
        && s.tokens[last].before == 0
        && !matches!(word(last - 1), "ou" | "oui" | "o" | "n" | "non");
    if alone {
        return true;
    }
    let mut at = hit.to;
    let mut asked = false;
    while at < s.tokens.len() && at < hit.to + REACH {
        let token = &s.tokens[at];
        let answers = s.of(Concept::DenyAnswer).any(|d| d.from == at && !counts(s, at));
        if token.after(mark::STOP | mark::ITEM) && !token.after(mark::CLOSE) && !asked {
            // "Clauses : sociale - non ; environnementale - oui"
            return answers
                && at == hit.to
                && token.after(mark::ITEM)
                && matches!(token.word.as_ref(), "non" | "neant");
        }
        if token.after(mark::COLON | mark::ASK) {
            asked |= token.after(mark::ASK);
            if answers {
                return true;
            }
            if !asked && !matches!(token.word.as_ref(), "r" | "reponse") && at > hit.to + 1 {
                break;
            }
            if !asked {
                break;
            }
        } else if asked && answers {
            return true;
        }
        at += 1;
    }
    // "Clause d'insertion non prévue", "sans objet".
    s.of(Concept::DenyAnswer).any(|d| {
        let two_words =
            d.to - d.from >= 2 && s.tokens[d.from].before & (mark::COLON | mark::STOP | mark::ITEM | mark::COMMA) == 0;
        d.from >= hit.to && d.from - hit.to <= 2 && two_words
    }) || behind_is_slash(s, hit)
}

/// "Lot réservé : /".
fn behind_is_slash(s: &Statement<'_>, hit: &Hit) -> bool {
    hit.to == s.tokens.len() && {
        let tail = s.unit.range.end.saturating_sub(s.tokens[hit.to - 1].range.end);
        tail >= 2
            && s.trailing.rsplit(':').next().is_some_and(|t| matches!(t.trim(), "/" | "ø" | "-"))
            && s.trailing.contains(':')
    }
}

/// Whether the 0 or the "pas" at `at` begins a number or a phrase that is no answer.
fn counts(s: &Statement<'_>, at: usize) -> bool {
    let word = s.tokens[at].word.as_ref();
    word == "0" && s.tokens.get(at + 1).is_some_and(|t| t.is_number() && t.before == 0)
        || word == "aucun" && s.tokens.get(at + 1).is_some_and(|t| t.word.starts_with("reserve"))
}

// Verbs that, denied, take back what they speak of.
words!(
    TAKES_BACK,
    "applique appliques appliquee appliquees appliquent appliquera applicable applicables prevu prevue prevues retenu retenue retenues exigee exige
     requise requis demande demandee impose imposee envisagee envisage concerne concernent partie pris prise ete sera
     seront s reserve reserves reconduite reconduit maintenue maintenu renouvelee reservee reservees soumis soumise
     porte juge jugee mobilise invoque active utilise actionne mis"
);

/// "La clause ne s'applique pas": but not when only a lot is spared.
fn denied_behind(s: &Statement<'_>, hit: &Hit) -> bool {
    let end = s.clause_end(hit.to - 1, mark::STOP | mark::ITEM | mark::COLON).min(
        hit.to + if s.tokens[hit.to - 1..].iter().take(6).any(|t| t.after(mark::OPEN | mark::COMMA)) { 18 } else { 9 },
    );
    let Some(ne) = (hit.to..end).find(|i| matches!(s.tokens[*i].word.as_ref(), "ne" | "n")) else { return false };
    // Another subject stands between: "une clause … ; le marché n'est pas réservé".
    if s.any_of(&[Concept::Contract, Concept::Winner])
        .any(|h| h.from > hit.to && h.to <= ne && s.tokens[h.from].after(mark::COMMA))
    {
        return false;
    }
    let rest = &s.tokens[ne + 1..s.tokens.len().min(ne + 8)];
    let pas = rest.iter().any(|t| matches!(t.word.as_ref(), "pas" | "plus" | "aucun" | "aucune" | "jamais"));
    let verb = rest.iter().any(|t| TAKES_BACK.contains(t.word.as_ref()));
    let told = rest.iter().skip(1).position(|t| t.after(mark::COMMA)).map_or(rest.len(), |i| i + 1);
    let weighed = rest[..told].iter().any(|t| {
        t.word.starts_with("not") && t.word != "notamment"
            || t.word.starts_with("criter")
            || t.word == "inferieur"
            || t.word == "exclut"
    });
    pas && verb && !weighed && !spares(s, hit)
}

/// Whether a denial behind a hit only spares some lots, orders or subsequent contracts.
#[must_use]
pub fn spares(s: &Statement<'_>, hit: &Hit) -> bool {
    let Some(pas) =
        (hit.to..s.tokens.len().min(hit.to + 12)).find(|i| matches!(s.tokens[*i].word.as_ref(), "pas" | "plus"))
    else {
        return false;
    };
    s.has_word(hit.to, pas, &["applique", "concerne", "appliquent", "concernent", "porte"])
        && s.has_word(pas + 1, pas + 4, &["lot", "lots", "marches", "bons", "commandes", "tranche", "tranches"])
}

/// "est supprimée", "a été levée", "clause écartée".
fn lifted(s: &Statement<'_>, hit: &Hit) -> bool {
    let mut end = s.clause_end(hit.to - 1, mark::STOP | mark::ITEM);
    // "La réservation prévue pour le lot 2 (EA/ESAT) est supprimée": brackets that close again part nothing.
    if let Some(open) = (hit.to..end).find(|i| s.tokens[*i].after(mark::OPEN))
        && !(open + 1..end).any(|i| s.tokens[i].after(mark::CLOSE) && !s.tokens[i].after(mark::COMMA))
    {
        end = open;
    }
    // "Une clause sociale ; elle est ici remplacée par …".
    if s.has_word(end, end + 1, &["elle", "elles", "celle", "celles"]) || s.has_word(end, end + 3, &["y"]) {
        end = s.clause_end(end, mark::STOP | mark::ITEM);
    }
    s.of(Concept::Lifted).any(|l| {
        l.from >= hit.to
            && l.to <= end
            && l.from - hit.to <= 22
            && !s.any_of(&[Concept::Contract]).any(|c| {
                c.from > hit.to
                    && c.to <= l.from
                    && l.from - c.to <= 4
                    && !matches!(s.tokens[c.from].word.as_ref(), "lot" | "avis")
            })
    }) && !s.of(Concept::NotDenied).any(|h| h.from >= hit.to)
}

/// Whether the words stand under a condition: "si le marché est réservé", "en cas de marché réservé".
#[must_use]
pub fn supposed(s: &Statement<'_>, hit: &Hit) -> bool {
    let start = s.clause_start(hit.from, mark::STOP | mark::ASK | mark::ITEM);
    // "L'acheteur se réserve la possibilité d'introduire une clause".
    if s.of(Concept::ReserveAside).any(|r| {
        r.from >= start && r.to <= hit.from && s.has_word(r.from, r.to + 3, &["possibilite", "droit", "faculte"])
    }) {
        return true;
    }
    // "L'article L. 2112-2-1 du code prévoit que l'acheteur …": all that its sentence says.
    let of_law = |c: &Hit| matches!(s.tokens[c.from].word.as_ref(), "code" | "loi" | "ccag");
    s.of(Concept::Condition).any(|c| {
        let wish = s.tokens.get(c.from + 1).is_some_and(|t| matches!(t.word.as_ref(), "il" | "ils" | "elle" | "elles"))
            && (c.from + 2..s.tokens.len().min(c.from + 4)).any(|i| s.tokens[i].word.starts_with("souhait"));
        let possible = s.has_word(c.to, c.to + 5, &["possible"]);
        // "En cas de manquement à ses obligations d'insertion" presupposes them.
        let breach = s.tokens[c.to..].iter().take(5).any(|t| {
            ["manqu", "inexec", "defaill", "non", "carence", "retard", "difficult", "absence"]
                .iter()
                .any(|w| t.word.starts_with(w))
        }) && s.has_word(c.from, c.to, &["cas"]);
        // "Si oui, marché réservé à … : oui".
        let answered = s.has_word(c.to, c.to + 1, &["oui"]) && s.tokens.last().is_some_and(|t| t.word == "oui");
        let around = c.from < hit.from && hit.to <= c.to;
        // "Prestation supplémentaire éventuelle n° 2" is a name.
        let named = s.tokens[c.from].word.starts_with("eventuel")
            && c.from > 0
            && s.tokens[c.from - 1].word.starts_with("supplementaire");
        // "N'est recevable que si elle émane d'une entreprise adaptée".
        let only_if = c.from > 0
            && matches!(s.tokens[c.from - 1].word.as_ref(), "que" | "qu")
            && s.has_word(c.from.saturating_sub(8), c.from, &["ne", "n"])
            && s.of(Concept::Bid).any(|b| b.to <= c.from && c.from - b.to <= 5);
        // "Lorsqu'un nombre suit, il s'agit des heures que l'attributaire confie …": what holds then is told behind the comma.
        let then = hit.concept != Concept::Reserve
            && matches!(s.tokens[c.from].word.as_ref(), "si" | "lorsque" | "lorsqu")
            && (c.to..hit.from).any(|i| {
                s.tokens[i].after(mark::COMMA) && s.any_of(&[Concept::Winner]).any(|w| w.from >= i && w.from < hit.from)
            });
        let of_article = of_law(c) && hit.to <= c.from && c.from - hit.to <= 3;
        (c.from >= start || of_article)
            && !then
            && !only_if
            && !named
            && (around || of_article || c.to <= hit.from && (hit.from - c.to < 20 || of_law(c)))
            && !wish
            && !possible
            && !breach
            && !answered
    })
}

/// Whether the words speak of a contract that ends or has ended.
#[must_use]
pub fn remembered(s: &Statement<'_>, hit: &Hit) -> bool {
    let start = s.clause_start(hit.from, mark::STOP | mark::ITEM);
    // "Comme l'an passé", "comme sur l'ancien marché": as then, so now.
    let as_then = |p: &Hit| {
        s.has_word(p.from.saturating_sub(3), p.from, &["comme"])
            // "Quant aux deux précédents": lots.
            || s.tokens[p.from].word == "precedents" && s.has_word(p.from.saturating_sub(1), p.from, &["deux", "trois", "quatre"])
            // "Jusqu'ici ouverte à tous, la consultation devient réservée."
            || p.from < hit.from && s.has_word(p.to, hit.from, &["devient", "deviennent", "desormais"])
    };
    s.of(Concept::Past).any(|p| p.from >= start && p.from < hit.to + 9 && !as_then(p)) || of_policy(s, hit)
}

/// "Notre société emploie huit travailleurs handicapés", "nos salariés": a bidder, or a firm that buys, of itself.
fn speaks_of_itself(s: &Statement<'_>) -> bool {
    const ITSELF: [&str; 6] = ["societe", "entreprise", "salarie", "effectif", "fondation", "groupe"];
    (1..s.tokens.len()).any(|i| matches!(s.tokens[i - 1].word.as_ref(), "notre" | "nos") && s.tokens[i].begins(&ITSELF))
}

/// "La Ville poursuit des objectifs d'insertion dans ses marchés": what somebody does in general asks nothing here, unless this contract
/// or its winner, or an amount, is spoken of too.
fn of_policy(s: &Statement<'_>, hit: &Hit) -> bool {
    // "Elle se traduit par des lots réservés, par des clauses dans les marchés de travaux."
    if s.previous.has(Concept::Policy)
        && s.has_word(0, 3, &["elle", "elles", "celle", "ci"])
        && s.has_word(1, 6, &["traduit", "decline", "concretise", "passe"])
    {
        return true;
    }
    // "Le site affirme que 100 % des marchés sont clausés."
    if s.numbers.iter().any(|q| q.unit == Unit::Percent && s.has_word(q.to, q.to + 2, &["marches"])) {
        return true;
    }
    let several = |c: &Hit| matches!(s.tokens[c.from].word.as_ref(), "marches" | "contrats" | "achats");
    let own = |c: &Hit| !several(c) && !s.of(Concept::Policy).any(|p| p.from <= c.from && c.to <= p.to);
    s.says.has(Concept::Policy)
        && !s.of(Concept::Contract).any(own)
        && (!s.says.has(Concept::Winner)
            || s.of(Concept::Policy).any(|p| p.from < hit.from && s.tokens[p.to - 1].word == "interne"))
        && !s.numbers.iter().any(|q| matches!(q.unit, Unit::Hours | Unit::FullTime | Unit::Percent))
}
