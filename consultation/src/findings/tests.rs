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

#[test]
fn numbered_paragraphs_stand_under_the_title_around_them() {
    let text = "Clause 5 — Avance et garantie\n5.1 — Elle est de 10 % pour tous.\n5.2 — Deux pour cent sont retenus sur chaque acompte.";
    assert_eq!(told(Kind::Ccap, text, Term::Retention)[0].0, Some(Amount::Percent(2.0)));
    let text = "Article 8 – Risques couverts\n8.1 Le titulaire produit une police en cours de validité pour les dommages aux tiers.\n8.2 Les véhicules le sont pour le transport de marchandises.";
    assert_eq!(quotes(Kind::Ccap, text, Term::Insurance).len(), 2);
}

#[test]
fn prices_move_under_any_heading() {
    for text in [
        "7. Le forfait est ajusté au 1er janvier de chaque année selon l’évolution du SMIC.",
        "Article 12 – Dispositions diverses\nLes tarifs varient tous les semestres avec l’indice du gazole.",
    ] {
        assert_eq!(quotes(Kind::Ccp, text, Term::PriceRevision).len(), 1, "{text}");
    }
    assert_eq!(
        quotes(Kind::Ccp, "7. Les quantités varient chaque mois selon le bordereau.", Term::PriceRevision),
        [""; 0]
    );
}

#[test]
fn proofs_are_records_that_are_handed_over() {
    let under = |text: &str| {
        format!("Article 9 – Clause sociale\n9.1 Engagement\nLe titulaire réserve 200 heures.\n9.2 Divers\n{text}")
    };
    for text in [
        "Une fiche mensuelle cosignée par la structure est envoyée au facilitateur.",
        "L’entreprise saisit tous les mois les heures faites sur le site du PLIE.",
        "Le compte rendu de fin de chantier récapitule les personnes suivies.",
    ] {
        assert_eq!(quotes(Kind::Ccap, &under(text), Term::ClauseProof).len(), 1, "{text}");
    }
    let helps = "Le PLIE des Vallées tient à jour un tableau des candidats et conseille l’entreprise.";
    assert_eq!(quotes(Kind::Ccap, &under(helps), Term::Facilitator).len(), 1);
}

#[test]
fn what_opens_a_list_is_the_heading_of_its_items() {
    let text = "Article 9 – Clause sociale\nSont éligibles :\n– les anciens mineurs de plus de cinquante-cinq ans ;\n– toute personne orientée par le service social.\nIl est possible de recourir, comme moyens :\n– à un contrat de travail ordinaire ;\n– à l’achat de prestations à un ESAT.";
    assert_eq!(quotes(Kind::Ccap, text, Term::Publics).len(), 2);
    assert_eq!(quotes(Kind::Ccap, text, Term::Modalities).len(), 2);
}

#[test]
fn the_articles_beside_one_on_the_clause_are_of_it() {
    let text = "Article 14 – Dispositions particulières\n14.1 – Obligation\nLe titulaire fait réaliser 320 heures par des personnes éloignées de l’emploi.\n\
                14.2 – Bénéficiaires\nLes allocataires de minima sociaux et les demandeurs d’emploi de longue durée.\n14.3 – Contrôle\n\
                Un état nominatif est remis chaque mois.\n14.4 – Chantier\nLes gravats sont triés par des demandeurs d’emploi.";
    assert_eq!(quotes(Kind::Ccap, text, Term::Publics).len(), 1);
    assert_eq!(quotes(Kind::Ccap, text, Term::ClauseProof).len(), 1);
}

#[test]
fn several_penalties_in_a_sentence_are_told_one_by_one() {
    let text = "Article 9 – Clause sociale\nPénalités : 40 € par heure non faite ; 75 € par tableau manquant.";
    let amounts: Vec<Option<Amount>> = told(Kind::Ccap, text, Term::ClausePenalty).into_iter().map(|t| t.0).collect();
    assert_eq!(amounts, [Some(Amount::Euros(40.0)), Some(Amount::Euros(75.0))]);
}

#[test]
fn who_hands_a_list_in_is_no_envelope() {
    let what = "l’acte d’engagement ;\n– le bordereau des prix ;\n– un planning.";
    for lead in ["Le candidat remet les documents suivants :", "Chaque entreprise fournit :"] {
        assert_eq!(required(&format!("Article 4 – Pièces de l’offre\n{lead}\n– {what}")), (0, 3), "{lead}");
    }
}

fn kept(text: &str) -> Vec<(Option<vigie_domain::Beneficiary>, Vec<String>)> {
    let found = read(Kind::Rc, text).into_iter();
    found
        .filter_map(|f| match f.what {
            What::Provision(p) if p.kind == ProvisionKind::Reserved => Some((p.beneficiary, p.lots)),
            _ => None,
        })
        .collect()
}

#[test]
fn lots_are_kept_by_the_code_or_by_whom_alone_they_are_for() {
    use vigie_domain::Beneficiary::{Both, Disability, Insertion};
    let table = "N° | Lot | Accès | Montant\n1 | Repas | tous | 100 000 €\n2 | Lessive | acteurs du handicap (L. 2113-12) | 20 000 €\n3 | Tri | les deux familles, L. 2113-14 | 30 000 €";
    assert_eq!(kept(table), [(Some(Disability), lots(&["2"])), (Some(Both), lots(&["3"]))]);
    for text in [
        "Le lot 4 n’est ouvert qu’aux associations intermédiaires et aux ETTI.",
        "Seules des structures d’insertion par l’activité économique remettent une offre au lot 4.",
    ] {
        assert!(kept(text).contains(&(Some(Insertion), lots(&["4"]))) || kept(text).is_empty(), "{text}");
    }
    assert!(kept("Le lot 4 n’est réservé ni aux ESAT ni aux entreprises adaptées.").is_empty());
}

#[test]
fn numbers_begun_anew_under_a_letter_are_a_list() {
    let text = "Article 3. Dossier de réponse\nA – Justificatifs relatifs à la candidature\n1. Lettre de candidature (DC1)\n2. Déclaration du chiffre d’affaires\n\
                3. Présentation de trois prestations similaires\nB – Justificatifs relatifs à l’offre\n1. Acte d’engagement complété\n2. Mémoire technique";
    assert_eq!(required(text), (3, 2));
}

#[test]
fn criteria_by_lot_need_no_heading_of_their_own() {
    let table =
        "Article 4. Suite\nCritères | Lot 1 | Lot 2\nPrix des prestations | 50 % | 30 %\nAction sociale | 10 % | 20 %";
    assert_eq!(criteria(table).len(), 4);
}

#[test]
fn a_contract_of_numbered_paragraphs_goes_on_about_the_clause() {
    let text = "1. Le marché porte sur des repas.\n2. Les prix sont fermes.\n3. Le titulaire fait travailler des personnes en parcours d’insertion pour 200 heures.\n\
                4. Le PLIE du Lac est l’interlocuteur. L’entreprise lui remet un relevé chaque mois.\n5. La vaisselle est rendue propre.\n6. Le juge est celui de Lyon.";
    assert_eq!(quotes(Kind::Ccp, text, Term::Facilitator).len(), 1);
    assert_eq!(quotes(Kind::Ccp, text, Term::ClauseProof).len(), 1);
    assert_eq!(quotes(Kind::Ccp, text, Term::ClauseDuty), [""; 0]);
}

#[test]
fn numbers_without_a_unit_weigh_where_they_share_out_a_hundred() {
    let of = |name: &str, weight: f64| (name.to_owned(), weight, Vec::new());
    let list = "III – Jugement des offres\n1) Prix, noté sur 40\n2) Méthode, notée sur 50, dont :\n– moyens : 20\n– organisation : 30\n3) Démarche sociale, notée sur 10";
    assert_eq!(
        criteria(list),
        [
            of("Prix", 40.0),
            of("Méthode", 50.0),
            of("Moyens", 20.0),
            of("Organisation", 30.0),
            of("Démarche sociale", 10.0)
        ]
    );
    assert!(criteria("III – Jugement des offres\nDélai : 30\nRéunions : 12").is_empty());
}

#[test]
fn what_replaces_a_retention_leaves_its_share() {
    for text in [
        "2.5 Retenue de garantie\nChaque acompte est diminué de 5 %, ce qu’une garantie à première demande peut éviter.",
        "2.5 Retenue de garantie\nElle s’élève à 5 % du montant.",
    ] {
        assert_eq!(told(Kind::Ccap, text, Term::Retention)[0].0, Some(Amount::Percent(5.0)), "{text}");
    }
}

#[test]
fn the_hours_of_a_clause_are_of_the_lots_that_its_heading_names() {
    let text = "Article 7 – Volet social (lot 2)\n7.1. Volume\nLe prestataire réserve 12 % des heures travaillées, soit environ 2 900 heures par an.";
    assert_eq!(clauses(Kind::Ccap, text), [(Some(2900.0), None, lots(&["2"])), (None, Some(12.0), lots(&["2"]))]);
    let day = "Article 7 – Volet social (lot 2)\n7.1. Volume\nUn temps plein compte 1 607 heures par an.";
    assert!(clauses(Kind::Ccap, day).is_empty());
}

#[test]
fn headings_name_what_their_sentences_leave_out() {
    assert_eq!(told(Kind::Ccap, "Article 3 – Garantie\nPas de retenue.", Term::Retention), one(Amount::Allowed(false)));
    let text = "Article 4 – Modalités de règlement\nLa facture est déposée en fin de mois. Elle est honorée dans les 30 jours.";
    assert!(told(Kind::Ccap, text, Term::PaymentDelay).contains(&(Some(Amount::Days(30.0)), Vec::new())));
    let text = "Article 2 – Avance\nUne avance est versée. Elle s’élève à 5 % pour le lot A et à 30 % pour le lot B. Aucune garantie n’est due.";
    let advances = told(Kind::Ccap, text, Term::Advance);
    assert!(advances.contains(&(Some(Amount::Percent(30.0)), lots(&["b"]))), "{advances:?}");
    let text = "Article 6 – Personnel en place\nLa ville n’a connaissance d’aucun salarié à reprendre.";
    assert_eq!(told(Kind::Ccap, text, Term::StaffTakeover), one(Amount::Allowed(false)));
}

#[test]
fn lines_that_begin_with_a_document_are_a_list() {
    let text = "Article 8 – Pour se présenter\nUn DUME, ou les formulaires DC1 et DC2.\nTrois références de moins de cinq ans.\nUne attestation d’assurance.\nL’indication des effectifs.\n\
                Article 9 – Pour proposer\nL’acte d’engagement.\nLe bordereau de prix.\nUn mémoire de quinze pages.";
    assert_eq!(required(text), (4, 3));
    let prose = "Article 8 – Signature\nL’acte d’engagement est signé par le maire.\nLe maire le notifie.\nLe contrat commence alors.";
    assert_eq!(required(prose), (0, 0));
}

#[test]
fn labels_and_names_of_articles_stand_for_headings() {
    let text = "Financement\nAvance. 20 % du montant annuel, sauf refus.\nRetenue de garantie. Néant.\nPaiement. Sous 30 jours à réception.";
    assert_eq!(told(Kind::Ccap, text, Term::Advance)[0].0, Some(Amount::Percent(20.0)));
    assert_eq!(told(Kind::Ccap, text, Term::Retention), one(Amount::Allowed(false)));
    assert_eq!(told(Kind::Ccap, text, Term::PaymentDelay), one(Amount::Days(30.0)));
    let text =
        "Objet\nNettoyage.\nDurée de validité\nCinq mois.\nVariantes\nAutorisées pour le lot 1, interdites ailleurs.";
    assert_eq!(told(Kind::Rc, text, Term::Validity), one(Amount::Months(5.0)));
    assert_eq!(
        told(Kind::Rc, text, Term::Variants),
        [(Some(Amount::Allowed(true)), lots(&["1"])), (Some(Amount::Allowed(false)), Vec::new())]
    );
}

#[test]
fn tables_list_what_each_envelope_holds_side_by_side() {
    let text = "5. PIÈCES\nPièces de la candidature | Pièces de l’offre\nDC1 et DC2 | Acte d’engagement\nBilans | Bordereau des prix\nTrois attestations de clients | Mémoire technique";
    assert_eq!(required(text), (3, 3));
    let one = "5. PIÈCES\nPièce de la candidature | Remarque\nDC1 | un par membre";
    assert_eq!(required(one).1, 0);
}

#[test]
fn short_numbered_sentences_are_no_headings() {
    let text = "4. CONDITIONS\n4.1. Les variantes sont refusées.\n4.2. Le site peut être visité, sans obligation, le 11 mai 2027.";
    assert_eq!(told(Kind::Rc, text, Term::Variants), one(Amount::Allowed(false)));
    assert_eq!(told(Kind::Rc, text, Term::Visit).len(), 1);
    let text = "6. CHOIX\nSont pris en compte, dans tous les lots, le prix (40 points) et le service (60 points).";
    let names: Vec<String> = criteria(text).into_iter().map(|c| c.0).collect();
    assert_eq!(names, ["Prix", "Service"]);
}

#[test]
fn envelopes_label_their_items_within_a_line() {
    let text = "4 – À joindre\nCandidature : DC1 ; DC2 ; attestation d’assurance. Offre : acte d’engagement ; DPGF ; mémoire ; annexe signée.";
    assert_eq!(required(text), (3, 4));
    let text =
        "3 – Capacités minimales\nCA annuel moyen : 500 k€ (lot 1), 250 k€ (lot 2). Références : trois sur trois ans.";
    assert_eq!(
        turnovers(text),
        [(Some(Amount::Euros(500_000.0)), lots(&["1"])), (Some(Amount::Euros(250_000.0)), lots(&["2"]))]
    );
    assert_eq!(quotes(Kind::Rc, text, Term::References).len(), 1);
}

#[test]
fn a_table_of_criteria_may_have_a_head_whose_columns_are_near() {
    let text = "5 – Notation\nCritère Coefficient\nPrix | 45\nTechnique | 40\nSocial | 15";
    assert_eq!(criteria(text).len(), 3);
}

#[test]
fn hours_are_read_where_their_column_is_near() {
    let table = "Article 9 – Clause sociale\nLot Intitulé Heures sur la durée du marché\n1 | TER | 4 200\n2 | Intercités 1 850\n3 | Gares | aucune";
    assert_eq!(clauses(Kind::Ccap, table), [(Some(4200.0), None, lots(&["1"])), (Some(1850.0), None, lots(&["2"]))]);
}

#[test]
fn a_clause_begins_with_whom_the_contract_is_to_profit() {
    for text in [
        "Article 9\nLa régie entend que le marché profite à des personnes rencontrant des difficultés sociales.",
        "Article 9\nL’exécution bénéficie à des personnes en difficulté professionnelle.",
    ] {
        assert_eq!(quotes(Kind::Ccap, text, Term::ClauseDuty).len(), 1, "{text}");
    }
}
