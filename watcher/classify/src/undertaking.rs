//! Whether a statement binds: words of duty, the future of a contract, a winner who hires or gives work.

use super::lexicon::{Concept, Hit};
use super::statement::Statement;
use super::token::mark;

pub(super) fn strict_duty(s: &Statement<'_>) -> bool {
    // "Bénéficiaires de l'obligation d'emploi" owe nothing here.
    let employment = |i: usize| s.tokens[i].word == "obligation" && s.has_word(i + 1, i + 3, &["emploi"]);
    (0..s.tokens.len()).filter(|i| !employment(*i)).any(|i| {
        [
            "doit",
            "doivent",
            "devra",
            "devront",
            "oblige",
            "obligation",
            "tenu",
            "tenue",
            "tenus",
            "engage",
            "engagent",
            "impose",
            "imposee",
            "obligatoirement",
            "obligatoire",
            "imperativement",
        ]
        .contains(&s.tokens[i].word.as_ref())
    })
}

/// Whether a verb of giving work stands in the future or present of the winner ("confiera", "recourt", "embauchera").
pub(super) fn future(s: &Statement<'_>) -> bool {
    s.any_of(&[Concept::GiveWork, Concept::Subcontract]).any(|h| {
        let word = s.tokens[h.from].word.as_ref();
        ["era", "eront", "ra", "ront", "rt", "rent", "ecrute", "onfie", "ffecte", "mploie", "obilise", "eserve"]
            .iter()
            .any(|e| word.ends_with(e))
            || s.tokens[h.from].word == "a"
            || word == "fait"
            || s.has_word(h.from.saturating_sub(2), h.from, &["a", "fera", "feront"])
    })
}

/// Whether the winner is the subject of a verb of giving work: "l'entreprise retenue embauche", "le prestataire participe … en recrutant".
pub(super) fn undertakes(s: &Statement<'_>) -> bool {
    const HIRES: &[&str] = &["embauch", "recrut", "emplo"];
    const GIVES: &[&str] = &[
        "confi", "consacr", "affect", "fait", "fera", "realis", "recour", "integr", "mobilis", "accueil", "reserv",
        "propos", "associ", "donn", "prend",
    ];
    let work = s.has_one(
        0,
        s.tokens.len(),
        words_of!(
            "heures heure travail travailler poste postes tache taches emploi emplois prestation prestations
        chantier partie part execution travaux contrat contrats salarie salaries"
        ),
    );
    s.of(Concept::Winner).any(|w| {
        (w.to..s.tokens.len().min(w.to + 14)).any(|i| {
            let word = s.tokens[i].word.as_ref();
            let verb = HIRES.iter().any(|v| word.starts_with(v)) || work && GIVES.iter().any(|v| word.starts_with(v));
            let finite = ["e", "ent", "rt", "rent", "a", "ont", "it", "ie"].iter().any(|e| word.ends_with(e))
                && word != "emploi";
            let by = word.ends_with("ant") && s.tokens[i - 1].word == "en";
            verb && (finite || by)
                && !s.has_one(w.from, i, words_of!("qui peut peuvent pourra pourront si s dont ne n lorsque"))
        })
    })
}

/// "Le débroussaillement est effectué par un chantier d'insertion".
pub(super) fn done_by(s: &Statement<'_>, structure: &Hit) -> bool {
    const DONE: &[&str] = &["effectue", "realise", "execute", "assure", "accompli", "tenu", "fait", "mene"];
    // "Sont faits, pour un dixième au moins du temps, par des salariés d'un ESAT".
    const REACH: usize = 12;
    let of = |i: usize| {
        (i.saturating_sub(REACH).max(1)..i).any(|p| {
            s.tokens[p].begins(DONE)
                && matches!(s.tokens[p - 1].word.as_ref(), "est" | "sont" | "sera" | "seront" | "etre")
                && s.clause_end(p, mark::STOP | mark::ITEM) > structure.from
        })
    };
    (structure.from.saturating_sub(5).max(2)..structure.from).any(|i| s.tokens[i].word == "par" && of(i))
}

/// "Pas soumis pour le lot 1 ; en revanche les lots 2 et 3 y sont soumis": where the second half begins.
pub(super) fn bound_after_all(s: &Statement<'_>) -> Option<usize> {
    let at = (1..s.tokens.len()).find(|i| matches!(s.tokens[*i].word.as_ref(), "revanche" | "contraire" | "contre"))?;
    let bound = s.has_word(at, s.tokens.len(), &["soumis", "concernes", "assujettis", "comportent", "prevoient"]);
    (bound && !s.has_word(at, s.tokens.len(), &["pas", "ne", "n"]) && s.has_word(at, s.tokens.len(), &["lot", "lots"]))
        .then_some(at)
}
