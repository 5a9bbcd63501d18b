//! Whom a command means, and who types it.

use vigie_domain::Subscriber;
use vigie_notifier::card::short;
use vigie_service::Failure;
use vigie_store::Store;

/// Most persons named where a key means several.
const MOST_NAMED: usize = 5;

/// The one person of that identifier, name or address.
///
/// # Errors
/// Nobody is meant, or several are: a command acts on one.
pub(super) async fn find(store: &Store, key: &str, place: &str) -> Result<Subscriber, Failure> {
    let mut found = store.find_subscribers(key).await?;
    if found.len() > 1 {
        let named = found.iter().take(MOST_NAMED).map(|p| format!("{} ({})", p.id, short(&p.name, 40)));
        let what = format!("« {key} » désigne {} personnes : {}", found.len(), named.collect::<Vec<_>>().join(", "));
        return Err(Failure::usage(what, place, "donnez l’identifiant de celle que vous voulez dire"));
    }
    found.pop().ok_or_else(|| {
        let fix = "donnez un identifiant, un nom ou une adresse ; vigie subscriptions list énumère les personnes";
        Failure::usage(format!("personne « {key} » inconnue"), place, fix)
    })
}

/// The account that types the command, for the access log.
pub(super) fn operator() -> String {
    let user = ["SUDO_USER", "USER", "LOGNAME"].into_iter().find_map(|name| std::env::var(name).ok());
    format!("ligne de commande ({})", user.unwrap_or_else(|| "compte inconnu".to_owned()))
}
