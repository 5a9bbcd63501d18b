//! Kinds of wordings, each by two of its own: what a piece that says a thing so is read to say.

use super::*;
use crate::piece::{Kind, Passage, Place, Text};
use vigie_domain::ProvisionKind;

fn read(kind: Kind, text: &str) -> Vec<Finding> {
    let passage = Passage::new(Place::Page(1), text.to_owned());
    of_piece(&Written::of("piece.pdf", kind, &Text { passages: vec![passage], ..Text::default() }))
}

/// Figures that a piece gives of a term, with their lots.
fn told(kind: Kind, text: &str, wanted: Term) -> Vec<(Option<Amount>, Vec<String>)> {
    let found = read(kind, text).into_iter();
    found
        .filter_map(|f| match f.what {
            What::Term { term, amount, lots } if term == wanted => Some((amount, lots)),
            _ => None,
        })
        .collect()
}

fn quotes(kind: Kind, text: &str, wanted: Term) -> Vec<String> {
    let of = |f: &Finding| matches!(f.what, What::Term { term, .. } if term == wanted);
    read(kind, text).into_iter().filter(of).map(|f| f.quote).collect()
}

fn one(amount: Amount) -> Vec<(Option<Amount>, Vec<String>)> {
    vec![(Some(amount), Vec::new())]
}

fn lots(of: &[&str]) -> Vec<String> {
    of.iter().map(|l| (*l).to_owned()).collect()
}

#[test]
fn how_long_an_offer_binds() {
    for (text, amount) in [
        ("Pendant cent vingt jours, la proposition remise ne peut plus être retirée.", Amount::Days(120.0)),
        ("Le groupement demeure tenu par son offre durant sept mois.", Amount::Months(7.0)),
        ("Combien de jours votre offre vous engage-t-elle ? | deux cent dix", Amount::Days(210.0)),
    ] {
        assert_eq!(told(Kind::Rc, text, Term::Validity), one(amount), "{text}");
    }
    assert!(told(Kind::Rc, "L’offre de l’attributaire est complétée sous dix jours.", Term::Validity).is_empty());
}

#[test]
fn what_is_paid_and_when() {
    for (text, days) in [
        ("Article 9 – Règlement\nLa ville paie dans les vingt-cinq jours qui suivent la facture.", 25.0),
        ("Article 9 – Acomptes\nLe mandatement suit de quarante jours l’arrivée de la situation.", 40.0),
    ] {
        assert_eq!(told(Kind::Ccap, text, Term::PaymentDelay), one(Amount::Days(days)), "{text}");
    }
    let text = "Article 4 – Paiement\nLa régie paie en quinze jours les titulaires des lots 3 et 4, en trente jours ceux des lots 1 et 2.";
    assert_eq!(
        told(Kind::Ccap, text, Term::PaymentDelay),
        [(Some(Amount::Days(15.0)), lots(&["3", "4"])), (Some(Amount::Days(30.0)), lots(&["1", "2"]))]
    );
}

#[test]
fn advances_and_what_is_withheld() {
    let text = "Article 5 – Avance\nUne avance de 10 % est versée pour les lots 1 et 4 ; de vingt-cinq pour cent pour le lot 2.";
    assert_eq!(
        told(Kind::Ccap, text, Term::Advance),
        [(Some(Amount::Percent(10.0)), lots(&["1", "4"])), (Some(Amount::Percent(25.0)), lots(&["2"]))]
    );
    for text in [
        "Article 6 – Garantie\nIl est prélevé 4 % de chaque acompte jusqu’à la réception.",
        "Article 6 – Retenue\nUne retenue de 4 % garantit les réserves.",
    ] {
        assert_eq!(told(Kind::Ccap, text, Term::Retention).len(), 1, "{text}");
        assert_eq!(told(Kind::Ccap, text, Term::Retention)[0].0, Some(Amount::Percent(4.0)), "{text}");
    }
}

#[test]
fn how_prices_move_and_who_is_covered() {
    for text in [
        "Article 3 – Prix\nLes tarifs bougent une fois l’an, d’après l’indice des services.",
        "3.2 Évolution\nLa formule tient compte des salaires pour 70 pour cent.",
    ] {
        assert_eq!(quotes(Kind::Ccap, text, Term::PriceRevision).len(), 1, "{text}");
    }
    for text in [
        "Article 7 – Risques\nL’entreprise est couverte pour 2 000 000 € au moins.",
        "Article 7 – Risques\nLe titulaire s’assure à hauteur de trois millions d’euros par sinistre.",
    ] {
        assert_eq!(quotes(Kind::Ccap, text, Term::Insurance).len(), 1, "{text}");
    }
}

#[test]
fn visits_are_asked_left_free_or_not_held() {
    for (text, amount) in [
        ("Article 4 – Voir les lieux\nNul ne peut répondre sans avoir vu le site.", Some(Amount::Allowed(true))),
        ("Article 4 – Se rendre sur place\nChacun est libre de parcourir les locaux.", None),
        ("Article 4 – Visites\nLa visite n’est pas exigée.", None),
        ("Article 4 – Visites\nAucune visite n’est organisée.", Some(Amount::Allowed(false))),
        ("Les candidats visitent obligatoirement l’entrepôt.", Some(Amount::Allowed(true))),
    ] {
        assert_eq!(told(Kind::Rc, text, Term::Visit).first().map(|t| t.0), Some(amount), "{text}");
    }
}

#[test]
fn variants_lot_by_lot() {
    let text = "Article 6 – Variantes\nLes candidats du lot 2 peuvent proposer des variantes ; pour les autres lots toute variante est écartée.";
    assert_eq!(
        told(Kind::Rc, text, Term::Variants),
        [(Some(Amount::Allowed(true)), lots(&["2"])), (Some(Amount::Allowed(false)), Vec::new())]
    );
    for text in ["Présenter une variante conduit au rejet de celle-ci.", "Nous n’acceptons pas de variante."] {
        assert_eq!(told(Kind::Rc, text, Term::Variants), one(Amount::Allowed(false)), "{text}");
    }
}

#[test]
fn when_the_contract_begins_and_ends() {
    for text in [
        "Les prestations débutent le 3 mai 2027.",
        "Le marché prend effet le 1er juin 2027 pour deux ans.",
        "Le terme ultime du contrat est le 31 mai 2031.",
    ] {
        assert_eq!(quotes(Kind::Rc, text, Term::Period).len(), 1, "{text}");
    }
    assert_eq!(
        quotes(Kind::Rc, "Les offres sont remises le 3 mai 2027 au terme de la consultation.", Term::Period),
        [""; 0]
    );
}

fn turnovers(text: &str) -> Vec<(Option<Amount>, Vec<String>)> {
    told(Kind::Rc, text, Term::MinimumTurnover)
}

#[test]
fn turnover_lot_by_lot() {
    assert_eq!(
        turnovers(
            "Le chiffre d’affaires annuel est d’au moins 1,2 million d’euros pour le lot 1, de 900 000 euros pour le lot 2."
        ),
        [(Some(Amount::Euros(1_200_000.0)), lots(&["1"])), (Some(Amount::Euros(900_000.0)), lots(&["2"]))]
    );
    assert_eq!(
        turnovers("Lot 1 : chiffre d’affaires minimal de 300 000 € ; lot 3 : 450 000 €."),
        [(Some(Amount::Euros(300_000.0)), lots(&["1"])), (Some(Amount::Euros(450_000.0)), lots(&["3"]))]
    );
}

fn required(text: &str) -> (usize, usize) {
    let found = read(Kind::Rc, text);
    let of = |wanted| {
        found.iter().filter(|f| matches!(f.what, What::Required { envelope, .. } if envelope == wanted)).count()
    };
    (of(Envelope::Candidature), of(Envelope::Tender))
}

#[test]
fn lists_are_known_by_what_they_list() {
    let who = "– formulaire DC1 ou DUME ;\n– chiffre d’affaires des trois derniers exercices ;\n– attestation d’assurance en cours ;\n– coordonnées de trois clients.";
    let what =
        "– acte d’engagement ;\n– bordereau des prix ;\n– mémoire selon le plan fourni ;\n– planning des tournées.";
    assert_eq!(required(&format!("5.1 Qui vous êtes\n{who}\n5.2 Ce que vous proposez\n{what}")), (4, 4));
    assert_eq!(required(&format!("Article 4 – Le dossier\nPremier dossier\n{who}\nSecond dossier\n{what}")), (4, 4));
    let rules =
        "Article 9 – Propreté\n– les sols sont balayés ;\n– les vitres sont lavées ;\n– les déchets sont triés.";
    assert_eq!(required(rules), (0, 0));
}

#[test]
fn items_of_a_checklist_are_terms_as_well() {
    let text = "Article 5 – Candidature\nLe candidat remet :\n– le récépissé de transport de déchets ;\n– pour le lot 2, la licence de transport ;\n– une liste des principaux clients ;\n– une attestation d’assurance.";
    assert_eq!(quotes(Kind::Rc, text, Term::Certificate).len(), 2);
    assert_eq!(told(Kind::Rc, text, Term::Certificate)[1].1, lots(&["2"]));
    assert_eq!(quotes(Kind::Rc, text, Term::References).len(), 1);
    assert_eq!(quotes(Kind::Rc, text, Term::Insurance).len(), 1);
}

fn criteria(text: &str) -> Vec<(String, f64, Vec<String>)> {
    let found = read(Kind::Rc, text).into_iter();
    found
        .filter_map(|f| match f.what {
            What::Criterion { name, weight, lots, .. } => Some((name, weight?, lots)),
            _ => None,
        })
        .collect()
}

#[test]
fn a_table_whose_columns_are_lots_weighs_lot_by_lot() {
    let of = |name: &str, weight: f64, of: &[&str]| (name.to_owned(), weight, lots(of));
    // As converters leave it: cells apart, run together, wrapped.
    let table = "Article 8 – Jugement des offres\nCritère | Lots 1 et 2 | Lot 3\nPrix | 45 | 30\nMéthode et 40 moyens | 60\nAccueil des personnes | 15 | 10";
    assert_eq!(
        criteria(table),
        [
            of("Prix", 45.0, &["1", "2"]),
            of("Prix", 30.0, &["3"]),
            of("Méthode et moyens", 40.0, &["1", "2"]),
            of("Méthode et moyens", 60.0, &["3"]),
            of("Accueil des personnes", 15.0, &["1", "2"]),
            of("Accueil des personnes", 10.0, &["3"])
        ]
    );
    let table = "Section 8 : classement\nCe qui L1 L2 L3\ncompte\nPrix 40 40 40\nQualité du 60 50 –\nservice\nSuivi social – 10 60\nLe prix compte pour 40 dans tous les lots.";
    assert_eq!(
        criteria(table),
        [
            of("Prix", 40.0, &[]),
            of("Qualité du service", 60.0, &["1"]),
            of("Qualité du service", 50.0, &["2"]),
            of("Suivi social", 10.0, &["2"]),
            of("Suivi social", 60.0, &["3"])
        ]
    );
}

#[test]
fn weights_in_sentences() {
    let of = |name: &str, weight: f64, of: &[&str]| (name.to_owned(), weight, lots(of));
    let text = "Article 5 – Comment choisit-on ?\nSoixante points vont au prix. Quarante points vont aux moyens, selon le mémoire.";
    assert_eq!(criteria(text), [of("Prix", 60.0, &[]), of("Moyens", 40.0, &[])]);
    let text = "Article 5 – Classement\nPour le lot 2, le prix vaut 70 points, la méthode 30 points.";
    assert_eq!(criteria(text), [of("Prix", 70.0, &["2"]), of("Méthode", 30.0, &["2"])]);
}

fn clauses(kind: Kind, text: &str) -> Vec<(Option<f64>, Option<f64>, Vec<String>)> {
    let found = read(kind, text).into_iter();
    found
        .filter_map(|f| match f.what {
            What::Provision(p) if p.kind == ProvisionKind::ExecutionClause => Some((p.hours, p.percent, p.lots)),
            _ => None,
        })
        .collect()
}

#[test]
fn hours_and_shares_lot_by_lot() {
    let text =
        "Article 14 – Action en faveur de l’emploi\nLot 1 : 1 260 heures par an ; lot 2 : sept cents heures par an.";
    assert_eq!(clauses(Kind::Ccap, text), [(Some(1260.0), None, lots(&["1"])), (Some(700.0), None, lots(&["2"]))]);
    let text = "Clause 11 — Emploi des habitants\nLa part est de douze pour cent des heures travaillées pour le secteur Nord et de 8 % pour le secteur Sud.";
    assert_eq!(clauses(Kind::Ccap, text), [(None, Some(12.0), lots(&["Nord"])), (None, Some(8.0), lots(&["Sud"]))]);
}

#[test]
fn the_clause_sentence_by_sentence() {
    let text = "Chapitre 4. Engagement social\n4.1 Pour qui\n– les allocataires du RSA ;\n– les parents isolés sans activité.\n\
                4.2 Manières de faire\nOn peut recruter soi-même, louer des heures à une association intermédiaire.\n\
                4.3 Appui\nLe GIP Emploi des Rives tient le guichet.\n\
                4.4 Contrôle\nChaque trimestre, le titulaire transmet les bulletins de paie.\n\
                4.5 Si ce n’est pas fait\nL’heure due vaut trente-huit euros. Le rendez-vous manqué est facturé 50 €.";
    assert_eq!(quotes(Kind::Ccap, text, Term::Publics).len(), 2);
    assert_eq!(quotes(Kind::Ccap, text, Term::Modalities).len(), 1);
    assert_eq!(quotes(Kind::Ccap, text, Term::Facilitator).len(), 1);
    assert_eq!(quotes(Kind::Ccap, text, Term::ClauseProof).len(), 1);
    let penalties: Vec<Option<Amount>> =
        told(Kind::Ccap, text, Term::ClausePenalty).into_iter().map(|(amount, _)| amount).collect();
    assert_eq!(penalties, [Some(Amount::Euros(38.0)), Some(Amount::Euros(50.0))]);
    let apart = "Article 12\nSi les deux cents heures ne sont pas atteintes, trente euros sont retenus par heure due.";
    assert_eq!(told(Kind::Ccap, apart, Term::ClausePenalty), one(Amount::Euros(30.0)));
}

#[test]
fn who_is_taken_over_and_who_is_not() {
    let text = "Article 12 – Personnel\nPour le lot 2, quatre agents du prestataire sont à reprendre ; pour le lot 1, aucun transfert n’a lieu.";
    assert_eq!(
        told(Kind::Ccap, text, Term::StaffTakeover),
        [(None, lots(&["2"])), (Some(Amount::Allowed(false)), lots(&["1"]))]
    );
    let table = "Annexe 2 – Équipe du site\nRepère | Emploi | Heures par mois | Ancienneté | Contrat\nA1 | Agent de service | 86,67 | 2011 | CDI\nA2 | Cheffe d’équipe | 151,67 | 2004 | CDI";
    assert_eq!(quotes(Kind::Ccap, table, Term::StaffTakeover).len(), 2);
    let lawn = "Article 3 – Tonte\nLes contenants sont repris le lendemain. Les massifs sont repris en mars.";
    assert_eq!(quotes(Kind::Ccap, lawn, Term::StaffTakeover), [""; 0]);
}
