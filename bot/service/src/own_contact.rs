//! How a facilitator is reached, as they say it themselves: what structures of their territory read under « Qui peut aider ».

use vigie_domain::directory::Facilitator;
use vigie_domain::{Department, Permission, Subscriber};
use vigie_store::StoreError;

use crate::service::Service;

/// Longest name, and longest contact, in characters.
const MAX_NAME: usize = 80;
const MAX_CONTACT: usize = 160;
/// Most départements of a facilitator.
const MAX_DEPARTMENTS: usize = 20;

/// What came of a contact that was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Written {
    /// It is shown from now on.
    Shown,
    /// It was taken back.
    Gone,
    /// Nothing changed; says why in French.
    Refused(String),
}

/// What a facilitator writes: the organisation, the person to ask for, how to reach them, and the départements, between commas. All of it
/// empty takes the contact back. Pure.
fn read(organisation: &str, name: &str, contact: &str, departments: &str) -> Result<Option<Facilitator>, String> {
    let line = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let (organisation, name, contact) = (line(organisation), line(name), line(contact));
    if organisation.is_empty() && name.is_empty() && contact.is_empty() {
        return Ok(None);
    }
    if organisation.is_empty() {
        return Err(
            "Dites le nom de votre organisation ou de votre territoire, par exemple « PLIE du Valenciennois »."
                .to_owned(),
        );
    }
    if !contact.contains('@') && contact.chars().filter(char::is_ascii_digit).count() < 10 {
        return Err("Donnez une adresse de courriel ou un numéro de téléphone, pour que les structures vous joignent."
            .to_owned());
    }
    for (text, most) in [(&organisation, MAX_NAME), (&name, MAX_NAME), (&contact, MAX_CONTACT)] {
        if text.chars().count() > most {
            return Err(format!(
                "« {} » est trop long : {most} caractères au plus.",
                vigie_notifier::card::short(text, 40)
            ));
        }
    }
    let mut covered = Vec::new();
    for written in departments.split([',', ';', ' ']).map(str::trim).filter(|w| !w.is_empty()) {
        let meant = Department::written(written);
        if meant.is_empty() {
            return Err(format!(
                "Département inconnu « {} » : écrivez par exemple 59, 62.",
                vigie_notifier::card::short(written, 20)
            ));
        }
        covered.extend(meant.into_iter().filter(|d| !covered.contains(d)).collect::<Vec<_>>());
    }
    match covered.len() {
        0 => Err("Dites dans quels départements vous aidez, par exemple 59, 62.".to_owned()),
        n if n > MAX_DEPARTMENTS => Err(format!("{MAX_DEPARTMENTS} départements au plus.")),
        _ => Ok(Some(Facilitator { territory: organisation, departments: covered, name, contact })),
    }
}

/// Writes how a person is reached, or takes it back.
///
/// # Errors
/// The database fails: nothing changes.
pub async fn write(
    service: &Service,
    person: &Subscriber,
    (organisation, name, contact, departments): (&str, &str, &str, &str),
) -> Result<Written, StoreError> {
    if !person.role.may(Permission::BeNamedAsHelp) {
        return Ok(Written::Refused("Ce compte n’est pas celui d’un facilitateur.".to_owned()));
    }
    match read(organisation, name, contact, departments) {
        Err(why) => Ok(Written::Refused(why)),
        Ok(contact) => {
            service.store.put_own_contact(&person.id, contact.as_ref(), service.clock.now()).await?;
            Ok(if contact.is_some() { Written::Shown } else { Written::Gone })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_contact_is_a_territory_a_way_and_its_departements_or_nothing() {
        let read = |o: &str, c: &str, d: &str| read(o, "Hélène Lefebvre", c, d);
        let whole = read("PLIE du Valenciennois", "plie@nord.example, 03 20 11 22 33", "59, 62 59").unwrap().unwrap();
        assert_eq!(whole.departments.len(), 2);
        assert_eq!(
            whole.in_french(),
            "Facilitateur des clauses : Hélène Lefebvre, PLIE du Valenciennois (plie@nord.example, 03 20 11 22 33)"
        );
        assert!(read("", "plie@nord.example", "59").unwrap_err().contains("organisation"));
        assert!(read("PLIE", "au bureau", "59").unwrap_err().contains("téléphone"));
        assert!(read("PLIE", "plie@nord.example", "").unwrap_err().contains("départements"));
        assert!(read("PLIE", "plie@nord.example", "999").unwrap_err().contains("999"));
        assert_eq!(super::read(" ", "", "", "59"), Ok(None), "emptied, it is taken back");
    }
}
