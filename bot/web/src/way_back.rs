//! Where somebody comes back to who was signed out before they posted a form. Pure.

/// Addresses that are posted to from the page above them, and show nothing of their own.
const ACTS: &[&str] = &[
    "chiffres",
    "compter",
    "conduite",
    "decision",
    "dire",
    "effacer",
    "fichier",
    "jetons",
    "membres",
    "message-essai",
    "oublier",
    "pause",
    "pieces",
    "publier",
    "rejouer",
    "reponse",
    "retirer",
    "role",
    "structure",
    "suivre",
    "transmettre",
];

/// The page whose form posts to an address: whoever was signed out meanwhile comes back to it.
pub(crate) fn page_of(path: &str) -> String {
    let mut parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    match parts.as_slice() {
        ["pieces", ..] | ["sortir"] => return "/".to_owned(),
        ["reseaux"] => return "/compte".to_owned(),
        ["compte", ..] => return "/compte".to_owned(),
        _ => {}
    }
    if parts.last().is_some_and(|act| ACTS.contains(act)) {
        parts.pop();
    }
    format!("/{}", parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// P15: whoever was signed out meanwhile comes back to the form.
    #[test]
    fn a_form_is_posted_from_the_page_above_it() {
        for (act, page) in [
            ("/pistes/nouvelle", "/pistes/nouvelle"),
            ("/procedure/01ab/decision", "/procedure/01ab"),
            ("/procedure/01ab/dossier", "/procedure/01ab/dossier"),
            ("/procedure/01ab/dossier/effacer", "/procedure/01ab/dossier"),
            ("/procedure/01ab/dossier/dire", "/procedure/01ab/dossier"),
            ("/procedure/01ab/signaler", "/procedure/01ab/signaler"),
            ("/abonnements/3/retirer", "/abonnements/3"),
            ("/abonnements/message-essai", "/abonnements"),
            ("/compte/jetons/3/retirer", "/compte"),
            ("/exploitation/personnes/p/role", "/exploitation/personnes/p"),
            ("/pieces/3/retirer", "/"),
            ("/sortir", "/"),
            ("/", "/"),
        ] {
            assert_eq!(page_of(act), page, "{act}");
        }
    }
}
