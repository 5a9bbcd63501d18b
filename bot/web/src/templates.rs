//! The files of the pages, built into the program.

pub(crate) const STYLE: &str = include_str!("../pages/style.css");
pub(crate) const ICON: &str = include_str!("../pages/icone.svg");

/// Asks a browser for its notifications; and what shows them there.
pub(crate) const BROWSER_SCRIPT: &str = include_str!("../pages/navigateur.js");
pub(crate) const BROWSER_WORKER: &str = include_str!("../pages/notifications.js");

pub(crate) const TEMPLATES: &[(&str, &str)] = &[
    ("page.html", include_str!("../pages/page.html")),
    ("pieces.html", include_str!("../pages/pieces.html")),
    ("mot.html", include_str!("../pages/mot.html")),
    ("accueil.html", include_str!("../pages/accueil.html")),
    ("marches.html", include_str!("../pages/marches.html")),
    ("signales.html", include_str!("../pages/signales.html")),
    ("a-propos.html", include_str!("../pages/a-propos.html")),
    ("non-veille.html", include_str!("../pages/non-veille.html")),
    ("donnees.html", include_str!("../pages/donnees.html")),
    ("procedure.html", include_str!("../pages/procedure.html")),
    ("dossier.html", include_str!("../pages/dossier.html")),
    ("signaler.html", include_str!("../pages/signaler.html")),
    ("corriger.html", include_str!("../pages/corriger.html")),
    ("corrige.html", include_str!("../pages/corrige.html")),
    ("confirmer.html", include_str!("../pages/confirmer.html")),
    ("lien-perime.html", include_str!("../pages/lien-perime.html")),
    ("repondre.html", include_str!("../pages/repondre.html")),
    ("desabonner.html", include_str!("../pages/desabonner.html")),
    ("desabonne.html", include_str!("../pages/desabonne.html")),
    ("confirme.html", include_str!("../pages/confirme.html")),
    ("clauses.html", include_str!("../pages/clauses.html")),
    ("sans-reserves-aux-autres.html", include_str!("../pages/sans-reserves-aux-autres.html")),
    ("entrer.html", include_str!("../pages/entrer.html")),
    ("entrer-lien.html", include_str!("../pages/entrer-lien.html")),
    ("chercher.html", include_str!("../pages/chercher.html")),
    ("abonnements.html", include_str!("../pages/abonnements.html")),
    ("abonnement.html", include_str!("../pages/abonnement.html")),
    ("operations.html", include_str!("../pages/operations.html")),
    ("operation.html", include_str!("../pages/operation.html")),
    ("operation-saisie.html", include_str!("../pages/operation-saisie.html")),
    ("a-calibrer.html", include_str!("../pages/a-calibrer.html")),
    ("a-verifier.html", include_str!("../pages/a-verifier.html")),
    ("calibrage.html", include_str!("../pages/calibrage.html")),
    ("coefficients.html", include_str!("../pages/coefficients.html")),
    ("heures.html", include_str!("../pages/heures.html")),
    ("importer.html", include_str!("../pages/importer.html")),
    ("tableau-mensuel.html", include_str!("../pages/tableau-mensuel.html")),
    ("inscription.html", include_str!("../pages/inscription.html")),
    ("reglages.html", include_str!("../pages/reglages.html")),
    ("proposition.html", include_str!("../pages/proposition.html")),
    ("navigateur.html", include_str!("../pages/navigateur.html")),
    ("outils.html", include_str!("../pages/outils.html")),
    ("contrat.html", include_str!("../pages/contrat.html")),
    ("piste.html", include_str!("../pages/piste.html")),
    ("contrats.html", include_str!("../pages/contrats.html")),
    ("acteur.html", include_str!("../pages/acteur.html")),
    ("annee.html", include_str!("../pages/annee.html")),
    ("bilan.html", include_str!("../pages/bilan.html")),
    ("reseau.html", include_str!("../pages/reseau.html")),
    ("groupements.html", include_str!("../pages/groupements.html")),
    ("groupement-morceaux.html", include_str!("../pages/groupement-morceaux.html")),
    ("groupement-cadre.html", include_str!("../pages/groupement-cadre.html")),
    ("groupement-nouveau.html", include_str!("../pages/groupement-nouveau.html")),
    ("groupement-reponse.html", include_str!("../pages/groupement-reponse.html")),
    ("groupement-partenaires.html", include_str!("../pages/groupement-partenaires.html")),
    ("groupement.html", include_str!("../pages/groupement.html")),
    ("mois.html", include_str!("../pages/mois.html")),
    ("compte.html", include_str!("../pages/compte.html")),
    ("jeton.html", include_str!("../pages/jeton.html")),
    ("api.html", include_str!("../pages/api.html")),
    ("exploitation.html", include_str!("../pages/exploitation.html")),
    ("sources.html", include_str!("../pages/sources.html")),
    ("source.html", include_str!("../pages/source.html")),
    ("source-du-fichier.html", include_str!("../pages/source-du-fichier.html")),
    ("source-pieces.html", include_str!("../pages/source-pieces.html")),
    ("envois.html", include_str!("../pages/envois.html")),
    ("envoi.html", include_str!("../pages/envoi.html")),
    ("acces.html", include_str!("../pages/acces.html")),
    ("etat.html", include_str!("../pages/etat.html")),
    ("heures-a-pourvoir.html", include_str!("../pages/heures-a-pourvoir.html")),
    ("heures-proposees.html", include_str!("../pages/heures-proposees.html")),
    ("pourvoir.html", include_str!("../pages/pourvoir.html")),
    ("rencontres.html", include_str!("../pages/rencontres.html")),
    ("territoire.html", include_str!("../pages/territoire.html")),
    ("alarmes.html", include_str!("../pages/alarmes.html")),
    ("annuaires.html", include_str!("../pages/annuaires.html")),
    ("illisibles.html", include_str!("../pages/illisibles.html")),
    ("inviter.html", include_str!("../pages/inviter.html")),
    ("reglages-en-vigueur.html", include_str!("../pages/reglages-en-vigueur.html")),
    ("personnes.html", include_str!("../pages/personnes.html")),
    ("personne.html", include_str!("../pages/personne.html")),
];

#[cfg(test)]
mod tests {
    use minijinja::Environment;
    use vigie_notifier::typeset;

    use super::*;

    /// « octobre 2026 » became « octobre 20 » in a field of ten letters, and was called unreadable.
    #[test]
    fn no_field_cuts_what_people_write() {
        for (name, text) in TEMPLATES {
            for bound in text.split("maxlength=\"").skip(1) {
                let most = bound.split('"').next().unwrap_or_default();
                assert!(most.parse::<u32>().map_or(true, |most| most >= 60), "{name}: {most}");
            }
        }
    }

    /// A sign of comparison within an attribute ended its tag for the spaces of French: no page was served.
    #[test]
    fn every_page_can_be_read() {
        let mut pages = Environment::new();
        for (name, text) in TEMPLATES {
            let read = pages.add_template_owned(*name, typeset::template(name, text));
            assert!(read.is_ok(), "{name}: {read:?}");
        }
    }
}
