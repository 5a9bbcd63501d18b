//! What somebody did in another's place: a sign-in link, a token, a revocation, an erasure. It is noted in the access log and in the
//! journal, and the person is told, wherever they can be reached.

use vigie_domain::{Alert, AlertKind};
use vigie_notifier::card::short;
use vigie_store::{StoreError, derived_id};

use crate::error::Failure;
use crate::quiet;
use crate::service::Service;

/// What a person reads when an operator ended something of theirs.
pub const REVOKED: &str = "Des accès à votre nom sont fermés\nLa personne qui gère Vigie a fermé une connexion, un jeton ou un lien privé à votre nom. Vos alertes continuent ; pour entrer de nouveau, demandez un lien sur la page d’entrée.";

/// How somebody who acted is called in the journal: a person by their name, a command by its account.
pub(crate) async fn named(service: &Service, who: &str) -> Result<String, StoreError> {
    let person = service.store.subscriber(who).await?.filter(|p| !p.name.is_empty());
    Ok(person.map_or_else(|| who.to_owned(), |p| short(&p.name, 60)))
}

/// Notes in the journal what `who` did for `whom`, where nobody has to be told.
///
/// # Errors
/// The database fails.
pub async fn noted(service: &Service, who: &str, whom: &str, what: &str) -> Result<(), StoreError> {
    let by = named(service, who).await?;
    service.store.note("person", whom, &format!("{what}, par {by}"), service.clock.now()).await
}

/// Notes what `who` did in the place of `whom`, and tells them in these words; the first line is the subject.
///
/// # Errors
/// The database fails.
pub async fn acted(service: &Service, who: &str, whom: &str, what: &str, body: &str) -> Result<(), Failure> {
    let now = service.clock.now();
    service.store.saw(who, whom, what, now).await?;
    noted(service, who, whom, what).await?;
    let alert = Alert::word(
        AlertKind::Account,
        derived_id(&["on behalf", who, whom, what, &now.timestamp_millis().to_string()]),
    );
    quiet::tell(service, whom, &alert, body, now).await?;
    service.deliveries_queued.notify_one();
    Ok(())
}
