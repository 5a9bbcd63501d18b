//! Silence is the worst answer: a statement of such work or access is read or shown with doubt, wherever it stands.

use vigie_classify::{classify, plain};
use vigie_domain::ProvisionKind;

/// Statements of `social.txt`.
fn statements() -> Vec<String> {
    let mut out: Vec<String> = Vec::new();
    for line in include_str!("social.txt").lines().filter(|l| !l.starts_with('#')) {
        match (line.strip_prefix("  "), out.last_mut()) {
            (Some(rest), Some(last)) => *last = format!("{last}\n{rest}"),
            _ => out.push(line.to_owned()),
        }
    }
    out
}

fn kinds(title: &str, text: &str) -> Vec<ProvisionKind> {
    classify(&plain::notice("x", title, text)).provisions.iter().map(|p| p.kind).collect()
}

#[test]
fn no_social_statement_is_passed_over() {
    const SHAPES: &[(&str, &str)] = &[
        ("Ville de Lens\nObjet : travaux\n", "\nDate limite : 12/03/2027 à 12h00"),
        ("Article 5 - Conditions d'exécution\nLes prestations débutent en mai.\n", "\nLes prix sont révisables."),
        ("Informations complémentaires : ", ""),
        ("- délai : 12 mois\n- ", "\n- paiement à 30 jours"),
    ];
    let all = statements();
    assert!(all.len() > 90, "{}", all.len());
    let silent: Vec<String> = all
        .iter()
        .flat_map(|s| SHAPES.iter().map(move |(before, behind)| (s, format!("{before}{s}{behind}"))))
        .filter(|(_, text)| kinds("Entretien des espaces verts", text).is_empty())
        .map(|(_, text)| text)
        .collect();
    // One in thirty, as for texts of others.
    assert!(silent.len() * 30 <= all.len() * SHAPES.len(), "{} silent:\n{}", silent.len(), silent.join("\n--\n"));
}

/// What is of something else, of the public of a service, of a place or of a bidder's papers leaves no doubt.
#[test]
fn what_asks_nothing_leaves_no_doubt() {
    for text in [
        "Les bâtiments accueillent des personnes en situation de handicap.",
        "Construction d'un ESAT et de son foyer.",
        "Rénovation de la maison d'arrêt de Douai.",
        "Étude urbaine sur le quartier prioritaire de la Capsulerie.",
        "Copie du jugement et attestation relative à l'emploi des travailleurs handicapés (RQTH).",
        "Transport à la demande des publics fragiles du territoire.",
        "Les solutions d'IA sont pilotées par l'ETTI (équipe technique de traitement de l'information).",
        "Procédure adaptée en application de l'article R. 2123-1 du code de la commande publique.",
        "Les candidats prouvent des capacités détenues en propre.",
        "Tarif d'insertion d'un encart : 300 €. Les insertions légales ne sont pas comprises.",
        "Le présent appel d'offres ne comporte pas de volet d'insertion.",
    ] {
        assert_eq!(kinds("Marché de travaux", text), [], "{text}");
    }
}

#[test]
fn a_quote_reaches_over_what_goes_on_with_it_and_not_over_another_matter() {
    let quotes = |text: &str| -> Vec<String> {
        let found = classify(&plain::notice("x", "Nettoyage", text)).provisions;
        found.into_iter().filter_map(|p| p.evidence.quote).collect()
    };
    let both =
        "La consultation est fermée aux entreprises classiques. Peuvent soumissionner les structures d'insertion.";
    assert_eq!(quotes(both), [both]);
    let two =
        "Le lot 1 est réservé aux entreprises adaptées.\nClause d'insertion pour le lot 2 : 300 heures d'insertion.";
    assert_eq!(quotes(two), two.lines().collect::<Vec<_>>());
}
