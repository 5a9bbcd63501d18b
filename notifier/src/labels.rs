//! What people call alerts and the words of the verdict: provisions, those they are for, ways in, kinds of structure.

use vigie_domain::{AlertKind, Beneficiary, ProvisionKind, Route, StructureKind};

/// Name of an alert for people.
#[must_use]
pub fn alert_label(kind: AlertKind) -> &'static str {
    match kind {
        AlertKind::New => "Nouveau",
        AlertKind::Correction => "Rectificatif",
        AlertKind::VerdictCorrection => "Lecture corrigée",
        AlertKind::Cancellation => "Annulation",
        AlertKind::Award => "Attribution",
        AlertKind::NoAward => "Sans suite",
        AlertKind::PartialResult => "Lots terminés",
        AlertKind::ExAnte => "Intention de conclure",
        AlertKind::Modification => "Modification du contrat",
        AlertKind::Completion => "Fin du contrat",
        AlertKind::Reminder => "Rappel",
        AlertKind::Undecided => "Sans réponse",
        AlertKind::Offer => "Proposer vos services",
        AlertKind::AskResult => "Résultat ?",
        AlertKind::Renewal => "Contrat qui se termine",
        AlertKind::PartnerCall => "Appel à partenaires",
        AlertKind::HoursToFill => "Heures à pourvoir",
        AlertKind::Account => "Votre compte",
        AlertKind::Operator => "Exploitation",
    }
}

/// Name of a provision for people.
#[must_use]
pub fn provision_label(kind: ProvisionKind) -> &'static str {
    match kind {
        ProvisionKind::Reserved => "Marché réservé",
        ProvisionKind::ExecutionClause => "Clause d’insertion",
        ProvisionKind::AwardCriterion => "Critère social",
        ProvisionKind::InsertionService => "Prestation d’insertion",
        ProvisionKind::SocialConditionNotSeen => "Aucune clause visible",
        ProvisionKind::Other => "Autre considération sociale",
        ProvisionKind::ToVerify => "Mention sociale à vérifier",
    }
}

/// Name of a provision for people, of what a notice announces (`announced`: a project, a prior information) as of what it asks: nobody is
/// bound by what a buyer means to do.
#[must_use]
pub fn provision_label_of(kind: ProvisionKind, announced: bool) -> &'static str {
    match kind {
        ProvisionKind::Reserved if announced => "Réservation envisagée",
        ProvisionKind::ExecutionClause if announced => "Clause d’insertion envisagée",
        ProvisionKind::AwardCriterion if announced => "Critère social envisagé",
        _ => provision_label(kind),
    }
}

/// For whom, for people.
#[must_use]
pub fn beneficiary_label(who: Beneficiary) -> &'static str {
    match who {
        Beneficiary::Disability => "EA et ESAT",
        Beneficiary::Insertion => "SIAE",
        Beneficiary::Both => "SIAE, EA et ESAT",
        Beneficiary::Prison => "production en établissement pénitentiaire",
        Beneficiary::SocialEconomy => "entreprises de l’économie sociale et solidaire",
        Beneficiary::Unspecified => "bénéficiaires non précisés",
    }
}

/// A way in, for people.
#[must_use]
pub fn route_label(route: Route) -> &'static str {
    match route {
        Route::Reserved => "répondre à ce qui est réservé",
        Route::DirectBid => "répondre seul",
        Route::JointBid => "répondre en groupement",
        Route::SubcontractOrStaff => {
            "proposer sous-traitance, mise à disposition ou candidats à l’entreprise qui doit les heures d’insertion"
        }
        Route::Sourcing => "se faire connaître avant la consultation",
        Route::PrivateSupply => "répondre à un acheteur privé",
    }
}

/// The kind's name for people, for pages and commands.
#[must_use]
pub fn structure_label(kind: StructureKind) -> &'static str {
    match kind {
        StructureKind::Ei => "entreprise d’insertion",
        StructureKind::Ai => "association intermédiaire",
        StructureKind::Aci => "atelier et chantier d’insertion",
        StructureKind::Etti => "entreprise de travail temporaire d’insertion",
        StructureKind::Eiti => "entreprise d’insertion par le travail indépendant",
        StructureKind::Geiq => "groupement d’employeurs pour l’insertion et la qualification",
        StructureKind::Ea => "entreprise adaptée",
        StructureKind::Eatt => "entreprise adaptée de travail temporaire",
        StructureKind::Esat => "établissement et service d’accompagnement par le travail",
        StructureKind::Sep => "structure de production en prison",
    }
}
