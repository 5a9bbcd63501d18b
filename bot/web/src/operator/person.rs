//! One person: whether messages reach them and why not, their addresses, subscriptions and latest messages; why they did, or did
//! not, hear of a market; and what an operator may do for them.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect};
use chrono::{DateTime, Duration, Utc};
use minijinja::context;
use minijinja::value::Serde;
use vigie_domain::{Channel, Permission, Subscriber, Subscription, french};
use vigie_notifier::card::short;
use vigie_notifier::criteria;
use vigie_service::{membership, on_behalf, opt_in, replay, sign_in, suspension, why};
use vigie_store::StoreError;
use vigie_store::consent::Asked;
use vigie_store::people::{Address, AddressState};

use super::at;
use super::deliveries::{named, shown};
use super::people::{pending_claim, roles, structure};
use crate::frame::{Fields, Operator, Posted, Shown, Site, Trouble};
use crate::subscriptions::{FAR, paused, send_test};
use crate::words;

/// Messages shown.
const MESSAGES: i64 = 25;
/// How an address of somebody stands who is kept out.
pub(super) const SUSPENDED: &str = "suspendue avec la personne";
/// Markets offered where words, and no number, were given.
const OFFERED: usize = 5;

#[derive(serde::Serialize)]
struct AddressLine {
    id: String,
    value: String,
    channel: &'static str,
    state: &'static str,
    /// What its journal says last, where it is out of use.
    why: String,
    suspended: bool,
    unconfirmed: bool,
}

#[derive(serde::Serialize)]
struct SubscriptionLine {
    id: String,
    criteria: String,
    cadence: String,
    paused: Option<String>,
}

/// Why messages cannot reach somebody, whatever is published; `None` where they can.
fn ailment(
    addresses: &[Address],
    subscriptions: &[Subscription],
    away: bool,
    now: DateTime<Utc>,
) -> Option<&'static str> {
    let any = |state| addresses.iter().any(|a| a.state == state);
    if addresses.is_empty() {
        return Some("Cette personne n’a aucune adresse : invitez-la, ou inscrivez son adresse.");
    }
    if !any(AddressState::Active) {
        return Some(if any(AddressState::Suspended) {
            "Rien ne part : son adresse est hors service, son serveur l’a refusée. Vérifiez-la avec elle, puis remettez-la en service."
        } else if any(AddressState::Unconfirmed) {
            "Rien ne part : elle n’a pas encore confirmé son adresse."
        } else {
            "Rien ne part : elle s’est désabonnée. Elle seule peut revenir."
        });
    }
    if subscriptions.is_empty() {
        return Some(
            "Aucun marché ne lui est signalé : elle n’a aucun abonnement. Ce qui lui est adressé (appels à partenaires, messages sur son compte) part quand même.",
        );
    }
    let resting = |s: &Subscription| s.paused_until.is_some_and(|until| until > now);
    if subscriptions.iter().all(resting) {
        return Some("Aucun nouveau marché ne lui est signalé : tous ses abonnements sont en pause.");
    }
    away.then_some("Rien ne part : elle est absente, comme elle l’a dit dans ses réglages. Ses messages l’attendent, ou vont à qui la remplace.")
}

async fn address_lines(site: &Site, addresses: Vec<Address>, kept_out: bool) -> Result<Vec<AddressLine>, StoreError> {
    let mut out = Vec::new();
    for a in addresses {
        let told = match a.state {
            AddressState::Active => String::new(),
            _ => site.service.store.journal(&a.id, 1).await?.pop().map(|l| short(&l.text, 200)).unwrap_or_default(),
        };
        out.push(AddressLine {
            channel: a.channel.in_french(),
            state: if kept_out && a.state == AddressState::Suspended { SUSPENDED } else { a.state.in_french() },
            why: told,
            suspended: !kept_out && a.state == AddressState::Suspended,
            unconfirmed: !kept_out && a.state == AddressState::Unconfirmed,
            id: a.id,
            value: a.channel.shown(&a.value),
        });
    }
    Ok(out)
}

/// Why they did, or did not, hear of what was written: a number, or words of its title.
#[derive(Default, serde::Serialize)]
struct Answer {
    title: String,
    lines: Vec<String>,
    /// Markets of these words, to choose from: the number of a notice, its title.
    offered: Vec<(String, String)>,
}

async fn answer(site: &Site, person: &Subscriber, written: &str) -> Result<Answer, Trouble> {
    let (store, now) = (&site.service.store, site.service.clock.now());
    if let Some(row) = store.notice(written).await? {
        let lines = why::lines(store, person, &row, now).await?;
        return Ok(Answer { title: short(&row.assessment.title, 140), lines, offered: Vec::new() });
    }
    let aside = store.quarantined(500).await?.into_iter().find(|q| q.record_id.as_deref() == Some(written));
    if let Some(q) = aside {
        let line = format!("Cet avis est illisible, et mis de côté depuis le {} : {}", at(q.at), short(&q.reason, 200));
        return Ok(Answer { title: written.to_owned(), lines: vec![line], offered: Vec::new() });
    }
    let query = vigie_store::search::Query { words: words::searched(written), ..Default::default() };
    let mut offered = Vec::new();
    for found in store.search(&query, None, OFFERED, now).await?.rows {
        let notice = store.notices_of(&found.procedure).await?.into_iter().find(|n| !n.notice.kind.is_follow_up());
        let encoded = |id: &str| url::form_urlencoded::byte_serialize(id.as_bytes()).collect::<String>();
        offered.extend(notice.map(|n| (encoded(&n.id), short(&found.title, 120))));
    }
    let lines =
        if offered.is_empty() { vec!["Aucun avis lu ne porte ce numéro ni ces mots.".to_owned()] } else { Vec::new() };
    Ok(Answer { title: String::new(), lines, offered })
}

pub(crate) async fn show(
    State(site): State<Arc<Site>>,
    operator: Operator,
    Path(id): Path<String>,
    fields: Fields,
) -> Shown {
    let (store, now) = (&site.service.store, site.service.clock.now());
    let person = store.subscriber(&id).await?.ok_or_else(Trouble::no_page)?;
    store.saw(&operator.session.person.id, &id, "personne, page d’exploitation", now).await?;
    let subscriptions = store.subscriptions_of(&id).await?;
    let addresses = store.addresses(&id).await?;
    let away = store.preferences(&id).await?.away.is_some_and(|away| away.holds(now));
    let kept_out = store.suspended_since(&id).await?;
    let ails = match kept_out {
        Some(since) => Some(format!(
            "Cette personne est suspendue depuis le {} : rien ne part vers elle, et ses pages ne s’ouvrent plus.",
            at(since)
        )),
        None => ailment(&addresses, &subscriptions, away, now).map(str::to_owned),
    };
    let lines: Vec<SubscriptionLine> = subscriptions
        .into_iter()
        .map(|s| SubscriptionLine {
            criteria: french::capital(&criteria::in_french(&s.filter)),
            cadence: s.cadence.in_french(),
            paused: s.paused_until.filter(|until| *until > now).map(|until| paused(until, now)),
            id: s.id,
        })
        .collect();
    let written = fields.one("avis");
    let said = if written.is_empty() { None } else { Some(answer(&site, &person, written).await?) };
    let messages = store.deliveries_of(&id, MESSAGES).await?;
    Ok(site.page(
        &operator.visitor,
        "personne.html",
        context! {
            id => &id,
            name => named(&person.name),
            role => person.role.in_french(),
            roles => Serde(roles(person.role)),
            structure => structure(&person),
            asks_to_be_facilitator => person.asks_to_be_facilitator(),
            claim => Serde(pending_claim(&site, &person).await?),
            declared => store.is_declared(&id).await?,
            from_file => store.follows_file(&id).await?,
            ails => ails,
            addresses => Serde(address_lines(&site, addresses, kept_out.is_some()).await?),
            kept_out => kept_out.is_some(),
            is_me => id == operator.session.person.id,
            subscriptions => Serde(lines),
            messages => Serde(shown(&site, &messages).await?),
            avis => written,
            said => Serde(said),
            done => done(fields.one("fait")),
        },
    ))
}

fn done(word: &str) -> &'static str {
    match word {
        "role" => "Rôle changé.",
        "invite" => "Invitation envoyée : dès que la personne aura confirmé son adresse, ses alertes lui parviennent.",
        "invite-sans-abonnement" => {
            "Invitation envoyée, sans abonnement : la personne choisira ce qu’elle reçoit une fois son adresse confirmée."
        }
        "connu" => "Cette adresse est déjà celle de cette personne : rien n’a changé.",
        "structure" => "Réponse donnée ; la personne est prévenue.",
        "adresse" => {
            "Adresse remise en service : les prochains messages y partent. Ceux qui ont été annulés se renvoient ci-dessous."
        }
        "accord" => "La demande d’accord repart vers cette adresse.",
        "accord-attend" => {
            "Une demande d’accord est déjà partie : la suivante est possible quatre jours après, et trois en tout. La personne peut en demander une elle-même à la page « Entrer »."
        }
        "essai" => "Un message d’essai part vers toutes ses adresses en service.",
        "facilitateur" => "C’est dit ; la personne est prévenue.",
        "lien" => "Un lien pour entrer part vers son adresse. Il sert une fois, dans la demi-heure.",
        "suspendue" => {
            "Personne suspendue : rien ne part plus vers elle, et ses pages ne s’ouvrent plus. Vigie ne peut pas le lui dire : prévenez-la."
        }
        "retablie" => "Personne rétablie ; elle est prévenue, et ses alertes reviennent.",
        "pause" => "Abonnement en pause ; la personne est prévenue.",
        "reprise" => "L’abonnement reprend ; la personne est prévenue.",
        _ => "",
    }
}

/// What an operator does for a person: noted, and told them where it concerns their subscriptions.
pub(crate) async fn act(State(site): State<Arc<Site>>, Path(id): Path<String>, posted: Posted) -> Shown {
    posted.session.may(Permission::Operate)?;
    let (store, now, me) = (&site.service.store, site.service.clock.now(), &posted.session.person.id);
    let person = store.subscriber(&id).await?.ok_or_else(Trouble::no_page)?;
    let address = posted.fields.one("adresse");
    let own = || async { Ok::<_, StoreError>(store.address(address).await?.filter(|a| a.subscriber == person.id)) };
    let word = match posted.fields.one("do") {
        "remettre" => {
            let found = own().await?.ok_or_else(Trouble::no_page)?;
            if !replay::reactivate(&site.service, me, &found.id).await? {
                return Err(conflict("Cette adresse n’est pas hors service : elle a changé entre-temps."));
            }
            "adresse"
        }
        "accord" => {
            let found = own().await?.ok_or_else(Trouble::no_page)?;
            if !opt_in::possible(&site.service.settings) {
                return Err(conflict(
                    "Cette installation ne peut pas demander d’accord : il lui faut [email], et [web] public_url et secret.",
                ));
            }
            match opt_in::ask(store, &found.id, false, now).await? {
                Asked::Yes => {
                    site.service.deliveries_queued.notify_one();
                    "accord"
                }
                _ => "accord-attend",
            }
        }
        "essai" => {
            if store.active_addresses(&person.id).await?.is_empty() {
                return Err(conflict("Cette personne n’a aucune adresse en service : rien ne partirait."));
            }
            send_test(&site, &person.id, "La personne qui gère Vigie a demandé cet essai.").await?;
            store.saw(me, &id, "message d’essai", now).await?;
            "essai"
        }
        what @ ("facilitateur" | "pas-facilitateur") => {
            if !membership::settle_facilitator(&site.service, me, &person, what == "facilitateur").await? {
                return Err(conflict("Cette demande a déjà reçu une réponse."));
            }
            "facilitateur"
        }
        "lien" => {
            send_link(&site, &person).await?;
            store.saw(me, &id, "lien pour entrer envoyé", now).await?;
            on_behalf::noted(&site.service, me, &id, "lien pour entrer envoyé").await?;
            "lien"
        }
        "suspendre" if *me == person.id => {
            return Err(Trouble::bad("Vous ne pouvez pas vous suspendre vous-même."));
        }
        "suspendre" => {
            if !suspension::suspend_person(&site.service, me, &id).await? {
                return Err(conflict("Cette personne est déjà suspendue."));
            }
            "suspendue"
        }
        "retablir" => {
            if !suspension::resume_person(&site.service, me, &id).await? {
                return Err(conflict("Cette personne n’est pas suspendue : elle a été rétablie entre-temps."));
            }
            "retablie"
        }
        what @ ("pause" | "reprise") => {
            let subscription = posted.fields.one("abonnement");
            let owned = store.subscriptions_of(&id).await?.iter().any(|s| s.id == subscription);
            if !owned {
                return Err(Trouble::no_page());
            }
            let until = (what == "pause").then(|| now + Duration::days(FAR));
            store.pause_subscription(subscription, until).await?;
            let body = if what == "pause" {
                "Un de vos abonnements est en pause\nLa personne qui gère Vigie l’a mis en pause. La page Abonnements permet de le reprendre."
            } else {
                "Un de vos abonnements reprend\nLa personne qui gère Vigie l’a repris : vos alertes reviennent."
            };
            on_behalf::acted(
                &site.service,
                me,
                &id,
                if what == "pause" { "abonnement en pause" } else { "abonnement repris" },
                body,
            )
            .await?;
            what
        }
        _ => return Err(Trouble::bad("Action inconnue.")),
    };
    Ok(Redirect::to(&format!("/exploitation/personnes/{id}?fait={word}")).into_response())
}

/// Sends somebody a link by which they enter, at their e-mail addresses.
async fn send_link(site: &Site, person: &Subscriber) -> Result<(), Trouble> {
    if !opt_in::possible(&site.service.settings) {
        return Err(conflict(
            "Cette installation ne peut pas envoyer de lien : il lui faut [email], et [web] public_url et secret.",
        ));
    }
    let addresses = site.service.store.active_addresses(&person.id).await?;
    if !addresses.iter().any(|a| a.channel == Channel::Email) {
        return Err(conflict(
            "Cette personne n’a aucune adresse de courriel en service. Dans un chat, elle demande elle-même un lien ; sinon, vigie sign-in en donne un.",
        ));
    }
    if sign_in::send_links_to(&site.service, &person.id, site.service.clock.now()).await? == 0 {
        return Err(conflict(
            "Assez de liens sont déjà partis vers elle : cinq par heure, dix par jour. Qu’elle cherche le dernier, y compris dans les indésirables.",
        ));
    }
    Ok(())
}

fn conflict(text: &str) -> Trouble {
    Trouble::new(StatusCode::CONFLICT, "Rien n’est changé", text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use vigie_domain::{Cadence, Filter};

    fn address(state: AddressState) -> Address {
        Address { id: "a".into(), subscriber: "s".into(), channel: Channel::Email, value: "a@b.fr".into(), state }
    }

    #[test]
    fn what_keeps_messages_away_is_said_in_the_order_to_mend_it() {
        let now = DateTime::UNIX_EPOCH;
        let one = |paused_until| Subscription {
            id: "1".into(),
            subscriber: "s".into(),
            filter: Filter::default(),
            cadence: Cadence::Instant,
            paused_until,
            name: String::new(),
        };
        let said = |a: &[Address], s: &[Subscription]| ailment(a, s, false, now).unwrap_or("").to_owned();
        assert!(said(&[], &[]).contains("aucune adresse"));
        for (state, word) in [
            (AddressState::Suspended, "hors service"),
            (AddressState::Unconfirmed, "confirmé"),
            (AddressState::Stopped, "désabonnée"),
        ] {
            assert!(said(&[address(state)], &[one(None)]).contains(word), "{word}");
        }
        let active = [address(AddressState::Suspended), address(AddressState::Active)];
        assert!(said(&active, &[]).contains("aucun abonnement"));
        assert!(said(&active, &[one(Some(now + Duration::days(1)))]).contains("en pause"));
        assert_eq!(ailment(&active, &[one(None), one(Some(now + Duration::days(1)))], false, now), None);
        assert!(ailment(&active, &[one(None)], true, now).is_some_and(|said| said.contains("absente")));
    }
}
