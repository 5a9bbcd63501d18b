//! The guided dialogue to subscribe: a state machine without input or output.
//!
//! ```text
//! SIRET (directory) or kind by hand → sectors → places → provisions → rhythm → confirm
//!                                                                        refine ⇄
//! ```
//!
//! A subscription that is there is changed from its last question on: each of the others can be asked for, and leads back there.
//!
//! [`next`] takes where the dialogue stands and what was said, and gives where it stands now; what needs the outside (a look
//! into the directory, the count of what it would have given, keeping it) is asked for by [`Next`]. What is not understood
//! leaves the dialogue where it stands.

mod answer;
mod draft;
mod question;

use vigie_domain::Filter;
use vigie_domain::subscription::{Profile, Role};

use vigie_service::answers::action::folded;

use super::refine;

pub use answer::found;
use answer::{confirm, kind, known, named, places, provisions, refined, rhythm, sectors, siret};
pub use draft::{Draft, Next, Step};
pub use question::question;

/// Longest answer looked at, in characters.
const MAX_ANSWER: usize = 600;

/// A dialogue begins, for someone of that role and profile.
#[must_use]
pub fn begin(role: Role, profile: &Profile) -> Draft {
    let structure = matches!(role, Role::Structure | Role::Network);
    let known = !structure || profile.kind.is_some();
    Draft {
        step: if known { Step::Sectors } else { Step::Siret },
        siret: None,
        name: String::new(),
        kind: profile.kind,
        sectors: profile.sectors.clone(),
        departments: profile.departments.clone(),
        epcis: Vec::new(),
        around: Vec::new(),
        provisions: Vec::new(),
        cadence: None,
        more: Filter::default(),
        unsettled: Vec::new(),
        distance_of: None,
        changes: None,
        title: String::new(),
        ways: Vec::new(),
    }
}

/// What was said, at this point of the dialogue.
#[must_use]
pub fn next(draft: Draft, said: &str) -> Next {
    let text: String = said.chars().take(MAX_ANSWER).collect();
    let words = folded(&text);
    match words.as_str() {
        "annuler" | "cancel" | "abandonner" => return Next::Cancelled,
        "retour" | "precedent" => {
            let step = draft.back();
            return Next::Ask(Draft { step, unsettled: Vec::new(), distance_of: None, ..draft }, String::new());
        }
        "recommencer" if draft.changes.is_none() => {
            let kept = Profile { kind: None, ..Profile::default() };
            return Next::Ask(begin(Role::Structure, &kept), "On reprend du début.".to_owned());
        }
        _ => {}
    }
    match draft.step {
        Step::Siret => siret(draft, &text, &words),
        Step::Known => known(draft, &words),
        Step::Kind => kind(draft, &words),
        Step::Sectors => sectors(draft, &text, &words),
        Step::Places => places(draft, &text, &words),
        Step::Provisions => provisions(draft, &text, &words),
        Step::Rhythm => rhythm(draft, &words),
        Step::Confirm => confirm(draft, &words),
        Step::Refine => refined(draft, &text, &words),
        Step::Name => named(draft, &text, &words),
    }
}

#[cfg(test)]
mod tests {
    use vigie_domain::directory::Structure;
    use vigie_domain::{Cadence, Department, ProvisionKind, StructureKind};

    use super::*;

    fn start() -> Draft {
        begin(Role::Structure, &Profile::default())
    }

    fn at(step: Step) -> Draft {
        Draft { step, ..start() }
    }

    fn asks(next: Next) -> (Draft, String) {
        match next {
            Next::Ask(draft, note) => (draft, note),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn by_hand_from_the_first_question_to_the_last() {
        let mut draft = start();
        for (said, step) in [
            ("à la main", Step::Kind),
            ("EA", Step::Sectors),
            ("Blanchisserie", Step::Sectors),
            ("continuer", Step::Places),
            ("59, Pas-de-Calais", Step::Places),
            ("suite", Step::Provisions),
            ("marché réservé", Step::Provisions),
            ("Continuer", Step::Rhythm),
            ("Automatique", Step::Confirm),
        ] {
            let (after, note) = asks(next(draft, said));
            assert_eq!((after.step, note.as_str()), (step, ""), "{said}");
            assert!(question(&after, "").1.iter().flatten().count() >= 2);
            draft = after;
        }
        let Next::Save(done) = next(draft, "Je m’abonne !") else { panic!("kept") };
        let filter = done.filter();
        assert_eq!((filter.sectors.len(), filter.departments.len(), done.kind), (1, 2, Some(StructureKind::Ea)));
        assert_eq!((filter.provisions, done.cadence), (vec![ProvisionKind::Reserved], Some(Cadence::Auto)));
    }

    #[test]
    fn state_by_said() {
        // (where it stands, what is said, where it stands then; none = the same question again)
        let table: &[(Step, &str, Option<Step>)] = &[
            (Step::Siret, "bonjour", None),
            (Step::Siret, "123", None),
            (Step::Siret, "🎉🎉🎉", None),
            (Step::Siret, "sans SIRET", Some(Step::Kind)),
            (Step::Known, "Oui", Some(Step::Sectors)),
            (Step::Known, "non", Some(Step::Siret)),
            (Step::Known, "peut-être", None),
            (Step::Kind, "ea", Some(Step::Sectors)),
            (Step::Kind, "SARL", None),
            (Step::Kind, "autre", Some(Step::Sectors)),
            (Step::Sectors, "zzz", None),
            (Step::Sectors, "tous", Some(Step::Places)),
            (Step::Sectors, "retour", Some(Step::Kind)),
            (Step::Places, "999", None),
            (Step::Places, "2a", Some(Step::Places)),
            (Step::Places, "59 62 80", Some(Step::Places)),
            (Step::Places, "partout", Some(Step::Provisions)),
            (Step::Places, "30 km autour de Lens", Some(Step::Places)),
            (Step::Places, "CA de Lens - Liévin, Nord", Some(Step::Places)),
            (Step::Places, "Lens", Some(Step::Places)),
            (Step::Places, "20 km", None),
            (Step::Places, "Saint-Denis 10 km", None),
            (Step::Places, "Lens 900 km", None),
            (Step::Places, "\u{202e}droN\u{202c}", None),
            (Step::Provisions, "clause", Some(Step::Provisions)),
            (Step::Provisions, "tout", Some(Step::Rhythm)),
            (Step::Provisions, "rien", None),
            (Step::Rhythm, "chaque jour", Some(Step::Confirm)),
            (Step::Rhythm, "quand vous voulez", None),
            (Step::Confirm, "hein ?", None),
            (Step::Confirm, "retour", Some(Step::Rhythm)),
            (Step::Confirm, "Affiner", Some(Step::Refine)),
            (Step::Refine, "mots : linge\nmoins de 90 000 €", Some(Step::Refine)),
            (Step::Refine, "n’importe quoi", None),
            (Step::Refine, "", None),
            (Step::Refine, "continuer", Some(Step::Confirm)),
            (Step::Refine, "retour", Some(Step::Confirm)),
        ];
        for (step, said, wanted) in table {
            match (next(at(*step), said), wanted) {
                (Next::Ask(draft, _), Some(wanted)) => assert_eq!(draft.step, *wanted, "{step:?} {said}"),
                (Next::Again(draft, note), None) => {
                    assert!(draft.step == *step && !note.is_empty(), "{step:?} {said}: {note}");
                }
                (other, _) => panic!("{step:?} {said}: {other:?}"),
            }
        }
        for step in [
            Step::Siret,
            Step::Kind,
            Step::Sectors,
            Step::Places,
            Step::Provisions,
            Step::Rhythm,
            Step::Confirm,
            Step::Refine,
            Step::Name,
        ] {
            assert_eq!(next(at(step), " ANNULER "), Next::Cancelled, "{step:?}");
        }
    }

    #[test]
    fn what_is_there_is_changed_part_by_part_and_the_rest_stays() {
        let filter = Filter {
            sectors: vec!["blanchisserie".into()],
            departments: Department::parse("59").into_iter().collect(),
            words: vec!["linge".into()],
            min_lead_days: Some(10),
            ..Filter::default()
        };
        let there = vigie_domain::Subscription {
            id: "ab12".into(),
            subscriber: "p".into(),
            name: "Linge".into(),
            filter: filter.clone(),
            cadence: "4h".parse().unwrap(),
            paused_until: None,
        };
        let draft = Draft::of(&there, None);
        assert_eq!((draft.filter(), draft.cadence, draft.step), (filter.clone(), Some(there.cadence), Step::Confirm));
        let mut draft = draft;
        for (said, step) in [
            ("Lieux", Step::Places),
            ("62", Step::Places),
            ("continuer", Step::Confirm),
            ("Rythme", Step::Rhythm),
            ("retour", Step::Confirm),
            ("Métiers", Step::Sectors),
            ("continuer", Step::Confirm),
            ("Dispositions", Step::Provisions),
            ("clause", Step::Provisions),
            ("continuer", Step::Confirm),
            ("Rythme", Step::Rhythm),
            ("chaque semaine", Step::Confirm),
            ("Nommer", Step::Name),
            ("Linge du Nord", Step::Confirm),
        ] {
            let (after, note) = asks(next(draft, said));
            assert_eq!((after.step, note.as_str()), (step, ""), "{said}");
            draft = after;
        }
        let (text, rows) = question(&draft, "");
        assert!(text.contains("Linge du Nord") && rows.iter().flatten().any(|b| b.label == "Enregistrer"), "{text}");
        let Next::Save(done) = next(draft, "enregistrer") else { panic!("kept") };
        assert_eq!((done.changes.as_deref(), done.title.as_str()), (Some("ab12"), "Linge du Nord"));
        let changed = done.filter();
        assert_eq!((changed.departments.len(), changed.provisions.len(), done.cadence), (2, 1, Some(Cadence::Weekly)));
        assert_eq!((&changed.words, changed.min_lead_days), (&filter.words, Some(10)), "the rest stays");
    }

    #[test]
    fn places_and_other_conditions_end_up_in_the_filter() {
        let (draft, note) = asks(next(at(Step::Places), "Nord, Lens 30 km, CA de Lens - Liévin, Atlantis"));
        assert!(note.contains("atlantis"), "{note}");
        let (text, _) = question(&draft, "");
        assert!(text.contains("Retenu : Nord (59), CA de Lens - Liévin, 30\u{a0}km autour de Lens (62)."), "{text}");
        let (again, _) = asks(next(draft, "lens 30 km"));
        let draft = Draft { step: Step::Refine, ..again };
        let (draft, note) = asks(next(draft, "mots : linge, draps\nCPV 9831 ; acheteurs : hôpitaux\nblabla"));
        assert!(note.contains("blabla"), "{note}");
        let filter = draft.filter();
        assert_eq!((filter.departments.len(), filter.epcis.len(), filter.around.len()), (1, 1, 1));
        assert_eq!((filter.words.len(), &filter.cpv[..]), (2, &["9831".to_owned()][..]));
        assert!(question(&draft, "").0.contains("«\u{a0}linge\u{a0}» ou «\u{a0}draps\u{a0}»"));
        let (bare, _) = asks(next(draft, "vider"));
        assert_eq!(bare.more, Filter::default());
        let (everywhere, _) = asks(next(Draft { step: Step::Places, ..bare }, "partout"));
        assert!(everywhere.is_everywhere());
    }

    #[test]
    fn a_siret_is_looked_up_and_an_unknown_one_goes_on_by_hand() {
        let Next::LookUp(draft, siret) =
            next(start(), "213 505 901 000 17".replace("213 505 901 000 17", "215 903 501 000 17").as_str())
        else {
            panic!("looked up")
        };
        assert_eq!(siret, "21590350100017");
        let structure = Structure {
            siret: siret.clone(),
            name: "EA du Nord".into(),
            kind: StructureKind::Ea,
            sectors: vec!["blanchisserie".into()],
            departments: Department::parse("59").into_iter().collect(),
            place: None,
            naf: None,
        };
        let (known, _) = asks(found(draft.clone(), &siret, Some(structure)));
        assert!(question(&known, "").0.contains("EA du Nord (EA)"));
        let (by_hand, note) = asks(found(draft, &siret, None));
        assert!(by_hand.step == Step::Kind && note.contains("21590350100017"));
    }

    #[test]
    fn a_word_of_many_trades_is_narrowed_by_a_button() {
        let (draft, _) = asks(next(at(Step::Sectors), "entretien"));
        assert!(draft.sectors.is_empty() && draft.choices().len() > 1);
        let (text, rows) = question(&draft, "");
        assert!(text.contains("précisez") && rows.len() >= draft.choices().len());
        let wanted = draft.choices()[1].clone();
        let (chosen, _) = asks(next(draft.clone(), "2"));
        assert_eq!((chosen.sectors, chosen.unsettled.len()), (vec![wanted], 0));
        let (all, _) = asks(next(draft.clone(), "Tous ceux-là"));
        assert_eq!(all.sectors, draft.choices());
    }

    /// U9: its own example, then « continuer », dropped a trade without a word.
    #[test]
    fn a_trade_that_is_not_settled_is_asked_for_again_and_never_dropped() {
        let (draft, _) = asks(next(at(Step::Sectors), "nettoyage, espaces verts"));
        assert!(!draft.sectors.is_empty() && draft.unsettled.len() == 1, "{draft:?}");
        let Next::Again(again, note) = next(draft.clone(), "continuer") else { panic!("asked again") };
        assert!(again == draft && note.contains("nettoyage"), "{note}");
        let (left, _) = asks(next(draft, "Laisser"));
        assert_eq!((left.unsettled.len(), left.step), (0, Step::Sectors));
        assert_eq!(asks(next(left, "continuer")).0.step, Step::Places);
        let (two, _) = asks(next(at(Step::Sectors), "entretien, nettoyage"));
        assert_eq!(two.unsettled.len(), 2, "each waits for its turn");
    }

    /// U9: « À combien de kilomètres de Tourcoing ? » – « 20 km ».
    #[test]
    fn a_commune_waits_for_its_distance() {
        for distance in ["20 km", "20", "à 20 kilomètres", "dans un rayon de 20 km"] {
            let (draft, note) = asks(next(at(Step::Places), "Tourcoing"));
            assert!(note.starts_with("À combien de kilomètres de Tourcoing"), "{note}");
            let Next::Again(draft, note) = next(draft, "continuer") else { panic!("asked again") };
            assert!(note.contains("Tourcoing"), "{note}");
            let (draft, note) = asks(next(draft, distance));
            assert_eq!((draft.around.len(), draft.around[0].km, note.as_str()), (1, 20, ""), "{distance}");
            assert_eq!(draft.distance_of, None);
        }
        let (draft, _) = asks(next(at(Step::Places), "Nord, Tourcoing"));
        assert_eq!((draft.departments.len(), draft.distance_of.is_some()), (1, true), "what was understood is kept");
    }

    /// U9: « continuer » without a place meant all France.
    #[test]
    fn everywhere_is_said_and_never_meant() {
        for said in ["continuer", "ok", "suite"] {
            let Next::Again(draft, note) = next(at(Step::Places), said) else { panic!("{said}") };
            assert!(draft.step == Step::Places && note.contains("Partout"), "{note}");
        }
        assert_eq!(asks(next(at(Step::Places), "Partout")).0.step, Step::Provisions);
    }

    proptest::proptest! {
        /// Whatever is said, the dialogue goes on, and what it shows is bounded.
        #[test]
        fn nothing_said_breaks_the_dialogue(answers in proptest::collection::vec("\\PC{0,60}|oui|suite|59|EA|retour|entretien|nettoyage|tout|Lens|20 km|Lens 30 km|affiner|mots : \\PC{0,20}", 0..20)) {
            let mut draft = start();
            for said in &answers {
                draft = match next(draft, said) {
                    Next::Ask(draft, note) | Next::Again(draft, note) => {
                        proptest::prop_assert!(note.chars().count() < 300);
                        draft
                    }
                    Next::LookUp(draft, siret) => asks(found(draft, &siret, None)).0,
                    Next::Save(draft) => draft,
                    Next::Cancelled => start(),
                };
                let (text, rows) = question(&draft, "");
                proptest::prop_assert!(text.chars().count() < 4000 && rows.len() < 14);
                let text = serde_json::to_string(&draft).unwrap();
                let back: Draft = serde_json::from_str(&text).unwrap();
                proptest::prop_assert_eq!(&back, &draft);
            }
        }
    }
}
