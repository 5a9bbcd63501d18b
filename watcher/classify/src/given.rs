//! Work given: the winner has people far from employment, or a structure, do some of it; hours told beside such people, below a heading
//! or in a list of lots; what the buyer says of itself owes nothing.

use super::amount::{counts, has_volume, share_of_work};
use super::finding::Reading;
use super::lexicon::{Concept, Hit, STRUCTURES};
use super::polarity;
use super::quantity::{Quantity, Unit};
use super::statement::Statement;
use super::token::mark;
use super::undertaking::{done_by, future, strict_duty, undertakes};

/// "L'entreprise confiera 320 heures à des personnes qui peinent à accéder à un emploi", "10 % de la main-d'œuvre sera recrutée parmi
/// les demandeurs d'emploi", "devra sous-traiter à une entreprise adaptée".
pub(super) fn work_given(reading: &Reading<'_>, statements: &[Statement<'_>], at: usize) -> Option<(Hit, bool)> {
    let s = &statements[at];
    if !s.says.any(&[Concept::FarFromWork, Concept::WorkIntegration, Concept::Sheltered]) {
        return None;
    }
    let quantity = has_volume(s);
    let hours = s
        .numbers
        .iter()
        .any(|q| q.unit == Unit::Hours && q.value >= 20.0 && counts(s, q, true) || q.unit == Unit::FullTime);
    words!(STAFF, "agents agent salaries equipe effectif brigade postes poste travail temps");
    let staffed = s.says.any(&[Concept::Contract, Concept::Winner]) && s.says.has(Concept::Duty);
    // "Part du travail ouverte aux personnes en recherche d'emploi : 620 h": hours beside such people are given to them.
    let given = |h: &Hit| {
        hours
            || staffed
                && (0..s.tokens.len()).any(|i| (i < h.from || i >= h.to) && STAFF.contains(s.tokens[i].word.as_ref()))
            || s.of(Concept::GiveWork).any(|g| g.from < h.from || g.from >= h.to)
    };
    // "15 % des effectifs affectés à la prestation devront être des travailleurs handicapés": staff, not a structure.
    let staff = |h: &&Hit| {
        h.concept == Concept::FarFromWork
            || s.tokens[h.from].word.starts_with("effectif")
                && s.has_word(h.from, h.to, &["affectes", "affecte", "dedies"])
    };
    let people = s
        .any_of(&[Concept::FarFromWork, Concept::Sheltered])
        .filter(staff)
        .find(|h| !polarity::void(s, h) && !only_a_place(s, h) && (given(h) || done_by(s, h)));
    // "La Ville emploie … ; les entreprises ne sont soumises à rien": the winner of another clause is none here.
    let part =
        |h: &Hit| s.clause_start(h.from, mark::ITEM | mark::STOP)..s.clause_end(h.to - 1, mark::ITEM | mark::STOP);
    let winner =
        people.is_none_or(|h| s.of(Concept::Winner).any(|w| part(h).contains(&w.from))) && s.says.has(Concept::Winner);
    let asked = winner || s.heading.any(&[Concept::SocialDuty, Concept::ClauseName]) && s.says.has(Concept::Duty);
    if s.says.has(Concept::StaffMatter) && !quantity {
        return None;
    }
    if let Some(hit) = people {
        let served = reading.about.served || s.says.has(Concept::ServiceTalk);
        let amount = s.has_word(0, s.tokens.len(), &["heures", "part", "partie", "quota", "volume", "temps"]);
        let duty = amount && s.says.has(Concept::Reserve)
            || s.says.has(Concept::Duty) && (asked || s.says.has(Concept::Contract))
            || (asked || s.says.has(Concept::Contract)) && amount
            || asked && future(s);
        // "Assorti d'un volume de temps de travail", "les heures de travail à confier aux personnes …".
        let bears = s
            .of(Concept::Duty)
            .any(|d| s.tokens[d.from].begins(&["assort", "soumis", "comport", "impos", "exig", "contien", "prevo"]));
        const TO_DO: &[&str] = &[
            "confier",
            "realiser",
            "reserver",
            "effectuer",
            "consacrer",
            "executer",
            "attribuer",
            "accomplir",
            "proposer",
            "faire",
        ];
        let to_do =
            (1..s.tokens.len()).any(|i| s.tokens[i - 1].word == "a" && TO_DO.contains(&s.tokens[i].word.as_ref()));
        // "Le maître d'ouvrage a souhaité que le chantier profite à des gens sans travail."
        let willed = (1..s.tokens.len()).any(|i| {
            matches!(s.tokens[i].word.as_ref(), "que" | "qu")
                && s.tokens[i - 1].begins(&["souhait", "veut", "voul", "demand", "entend", "attend"])
        });
        let duty = duty
            || willed && s.has_word(0, s.tokens.len(), &["chantier", "travaux", "marche", "operation"])
            || amount
                && (bears || to_do && s.has_word(0, s.tokens.len(), &["heures"]))
                && !s.says.has(Concept::Reserve);
        let other = s.says.has(Concept::OtherSocial) && !quantity;
        let open = s.says.any(&[Concept::Bid, Concept::Reserve]) || served;
        let imposed = strict_duty(s) && !open;
        let disabled = s.tokens[hit.from..hit.to].iter().any(|t| t.word.starts_with("handicap"));
        let hired = s.tokens.iter().enumerate().any(|(i, t)| {
            let duty_of_employment = t.word == "emploi" && i > 1 && s.has_word(i - 2, i, &["obligation"]);
            (i < hit.from || i >= hit.to)
                && ["embauch", "recrut", "emplo", "confi", "heure", "travail", "recour", "salarie"]
                    .iter()
                    .any(|w| t.word.starts_with(w))
                && !t.word.starts_with("travailleur")
                && !duty_of_employment
        });
        let quantity = quantity || hours_below(reading, statements, at);
        const GIVEN: &[&str] = &[
            "revient",
            "reviennent",
            "confiee",
            "confiees",
            "reservee",
            "reservees",
            "effectuee",
            "effectuees",
            "accomplies",
            "accomplie",
            "executee",
            "executees",
            "realisees",
            "realisee",
        ];
        let duty = duty || amount && s.has_word(0, s.tokens.len(), GIVEN) && !s.says.has(Concept::Reserve);
        let share = s.numbers.iter().any(|q| q.unit == Unit::Percent && share_of_work(s, q));
        // "Conducteurs formés à l'accueil des personnes handicapées (7 heures)".
        let long = s.numbers.iter().any(|q| q.unit == Unit::Hours && q.value >= 48.0);
        let at_work = share && strict_duty(s)
            || hired
                && (long
                    || share
                    || s.numbers.iter().any(|q| q.unit == Unit::FullTime)
                    || s.tokens.iter().any(|t| {
                        ["embauch", "recrut", "emplo", "confi", "salari"].iter().any(|w| t.word.starts_with(w))
                    }));
        if other || disabled && !at_work {
            return None;
        }
        if share {
            return Some((*hit, false));
        }
        let describes = s.any_of(STRUCTURES).any(|t| t.from <= hit.from && hit.to <= t.to);
        let asked_all_the_same = quantity && s.says.has(Concept::Winner) && !s.says.has(Concept::ServiceTalk);
        let at_least = s.has_word(0, s.tokens.len(), &["moins", "minimum"]) && hired && !open;
        let site = hired || s.has_word(0, s.tokens.len(), &["chantier"]);
        let promised = (undertakes(s) || at_least) && !open || imposed && site;
        if !describes && (!served || asked_all_the_same) && (quantity || duty || promised) {
            return Some((*hit, false));
        }
    }
    let structure = s.any_of(&[Concept::WorkIntegration, Concept::Sheltered]).find(|h| {
        let sub = s.of(Concept::Subcontract).any(|c| {
            c.to <= h.from && h.from - c.to <= 16
                || (quantity || strict_duty(s)) && c.from >= h.to && c.from - h.to <= 10
        });
        (sub || done_by(s, h)) && !polarity::void(s, h)
    })?;
    const ASKED: &[&str] = &[
        "demande",
        "demandee",
        "attend",
        "attendons",
        "attendu",
        "attendue",
        "exige",
        "exigee",
        "requis",
        "prevoit",
        "prevu",
    ];
    let bound = strict_duty(s)
        || s.has_word(0, structure.from, ASKED)
        || future(s)
        || quantity && s.says.has(Concept::Winner)
        || s.says.has(Concept::Only) && s.of(Concept::Winner).any(|w| w.to <= structure.from);
    let who = s.says.any(&[Concept::Winner]);
    let invited = s.says.has(Concept::Optional) && s.says.has(Concept::Bid);
    (who && !invited
        && (bound || done_by(s, structure))
        && !s.has_word(0, structure.from, &["qui", "pourra", "pourront", "peut", "peuvent", "candidats"]))
    .then_some((*structure, false))
}

/// "Insertion de publics éloignés de l'emploi : 640 h": a label that names whom the hours behind it are for.
pub(super) fn labelled(reading: &Reading<'_>, s: &Statement<'_>) -> Option<(Hit, bool)> {
    const WHOM: &[Concept] = &[Concept::FarFromWork, Concept::InsertionAction, Concept::WorkForPeople];
    let hit = s.any_of(WHOM).find(|h| h.from <= 2 && !polarity::void(s, h))?;
    let colon = (hit.to..s.tokens.len()).find(|i| s.tokens[*i].after(mark::COLON))?;
    let hours = |q: &Quantity| q.unit == Unit::Hours && q.value >= 20.0 && q.from >= colon && counts(s, q, true);
    let aside = reading.about.served || s.heading_or_own(&[Concept::Criterion, Concept::Reserve, Concept::ServiceTalk]);
    (!aside && s.numbers.iter().any(hours)).then_some((*hit, false))
}

/// "L'attributaire devra … un socle de 4 100 heures. Les personnes à qui ces heures seront confiées sont validées par le PLIE."
pub(super) fn seen_to(reading: &Reading<'_>, s: &Statement<'_>) -> Option<(Hit, bool)> {
    let hours = s.numbers.iter().any(|q| q.unit == Unit::Hours && q.value >= 20.0 && counts(s, q, true));
    let hit = s.of(Concept::Facilitator).find(|h| !polarity::void(s, h))?;
    (hours && !reading.about.served && s.says.has(Concept::Winner) && s.says.any(&[Concept::Duty, Concept::GiveWork]))
        .then_some((*hit, false))
}

/// "Entre le centre et les quartiers prioritaires": where, and nobody who lives there is spoken of.
pub(super) fn only_a_place(s: &Statement<'_>, hit: &Hit) -> bool {
    const PEOPLE: &[&str] = &[
        "personne",
        "habitant",
        "jeune",
        "public",
        "demandeur",
        "resident",
        "issu",
        "salari",
        "recrut",
        "embauch",
        "insertion",
        "emploi",
    ];
    s.tokens[hit.from..hit.to].iter().any(|t| t.word.starts_with("quartier") || t.word == "qpv")
        && !s.tokens.iter().any(|t| PEOPLE.iter().any(|w| t.word.starts_with(w)))
}

/// "Article 12 – Insertion", and below it "12.1 Publics : …", "12.2 Volume : voir annexe".
pub(super) fn below_article(statements: &[Statement<'_>], at: usize) -> Option<(Hit, bool)> {
    let s = &statements[at];
    // "14.1 Publics concernés : …", and beside it "14.2 Volume : 5 % des heures travaillées".
    let beside_a_volume = statements[at.saturating_sub(3)..(at + 4).min(statements.len())].iter().any(|b| {
        b.unit.line.abs_diff(s.unit.line) <= 3
            && b.has_word(0, 4, &["volume", "volumes", "heures", "nombre", "effort", "part", "quota"])
            && (has_volume(b) || b.numbers.iter().any(|q| q.unit == Unit::Percent && share_of_work(b, q)))
    });
    // "Considérations sociales : clause d'exécution", and on the next line "Public visé : …".
    let told = s.before.has(Concept::SocialDuty) && s.before.has(Concept::Duty);
    let headed = (s.heading.any(&[Concept::InsertionAction, Concept::ClauseName]) || told)
        && !s.heading.any(&[Concept::Criterion, Concept::Reserve, Concept::Selection, Concept::NotInsertion]);
    let publics = s.has_word(0, 4, &["public", "publics", "beneficiaires"]);
    let hit = s
        .of(Concept::FarFromWork)
        .find(|h| !polarity::void(s, h))
        .filter(|_| (headed || beside_a_volume) && publics && (s.unit.heading.is_some() || told || beside_a_volume))?;
    s.tokens[..hit.from].iter().chain(&s.tokens[hit.from..]).any(|t| t.after(mark::COLON)).then_some((*hit, true))
}

/// "La collectivité emploie douze personnes …": the buyer speaks of itself.
pub(super) fn buyer_speaks(s: &Statement<'_>) -> bool {
    const BUYERS: &[&str] = &[
        "collectivite",
        "ville",
        "commune",
        "departement",
        "region",
        "metropole",
        "mairie",
        "etat",
        "agglomeration",
        "etablissement",
        "lycee",
        "ecole",
        "college",
        "association",
        "foyer",
        "centre",
        "bailleur",
        "restaurant",
    ];
    // "142 agents dont 9 …": its staff.
    let staff =
        s.tokens.first().is_some_and(|t| t.is_number()) && s.has_word(1, 2, &["agents", "salaries", "employes"]);
    (staff || s.has_word(0, 3, BUYERS) && !s.says.any(&[Concept::Contract]))
        && !s.numbers.iter().any(|q| q.unit == Unit::Hours)
        && !s.of(Concept::Winner).any(|w| w.from < 12)
}

/// "À ce titre : - lot 2 : trois cent cinquante heures ; …": a list of lots with their hours below.
pub(super) fn hours_below(reading: &Reading<'_>, statements: &[Statement<'_>], at: usize) -> bool {
    let line = statements[at].unit.line;
    statements[at + 1..].iter().take(4).take_while(|b| b.unit.line - line <= 3).any(|b| {
        let lots = reading.mentions(&b.unit.range).len();
        (b.tokens.len() <= 20 || lots >= 2)
            && b.numbers.iter().any(|q| q.unit == Unit::Hours && q.value >= 10.0)
            && (lots > 0 || !reading.lots_of_label(&b.unit.range).is_empty())
            && !b.says.any(&[Concept::Criterion, Concept::Reserve])
    })
}

/// "Embauches aidées :", "propres à promouvoir le retour au travail … comme suit.": and below it hours, lot by lot.
pub(super) fn listed_below(reading: &Reading<'_>, statements: &[Statement<'_>], at: usize) -> Option<(Hit, bool)> {
    const ANNOUNCES: &[Concept] =
        &[Concept::SocialDuty, Concept::FarFromWork, Concept::InsertionAction, Concept::WorkForPeople];
    let s = &statements[at];
    let hit = s.any_of(ANNOUNCES).find(|h| !polarity::void(s, h))?;
    let aside = reading.about.served || s.says.any(&[Concept::Criterion, Concept::Reserve, Concept::OtherSocial]);
    (!aside && hours_below(reading, statements, at)).then_some((*hit, false))
}

/// "12.1 Le volume est fixé à 420 heures" under "Obligation sociale".
pub(super) fn volume_of_heading(s: &Statement<'_>) -> Option<(Hit, bool)> {
    let social = s.heading.any(&[Concept::SocialDuty, Concept::ClauseName])
        || s.heading.has(Concept::InsertionAction)
            && !s.heading.has(Concept::Criterion)
            && s.has_word(0, 4, &["volume", "volumes", "heures"])
        || s.previous.any(&[Concept::ClauseName]) && s.has_word(0, s.tokens.len(), &["volume", "lots", "lot"]);
    let denied =
        s.any_of(&[Concept::Deny]).any(|d| matches!(s.tokens[d.from].word.as_ref(), "sans" | "aucun" | "aucune"));
    if !social
        || denied
        || !(s.says.any(&[Concept::Winner, Concept::Duty, Concept::GiveWork, Concept::FarFromWork])
            || s.has_word(0, 4, &["volume", "volumes"]))
    {
        return None;
    }
    let q = s
        .numbers
        .iter()
        .find(|q| matches!(q.unit, Unit::Hours | Unit::Percent | Unit::FullTime) && counts(s, q, false))?;
    let hit = Hit { concept: Concept::SocialDuty, from: q.from, to: q.to };
    let told = q.unit != Unit::Percent || s.says.has(Concept::FarFromWork);
    (told && !polarity::remembered(s, &hit)).then_some((hit, false))
}
