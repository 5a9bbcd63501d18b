//! One tap after a refusal: the subscriptions that bring such a market leave out what the reason speaks of, each by one condition. The
//! same in chats and on the page of a market; nothing is narrowed that would then ask for everything, or for nothing.

use chrono::Utc;
use vigie_config::rules::Rules;
use vigie_domain::follow_up::{self, Narrowing};
use vigie_domain::subscription::Candidate;
use vigie_domain::{Department, Filter, Near, Refusal, Sector, Subscriber, Subscription, french};
use vigie_notifier::card::short;
use vigie_notifier::criteria;
use vigie_store::journal::NoticeRow;
use vigie_watcher::classify;

use crate::answers::action::NarrowBy;
use crate::error::Failure;
use crate::ingest::candidate;
use crate::service::Service;
use crate::subscriptions;

/// Longest lead time that one tap asks for, in days.
const MAX_LEAD: i64 = 60;

/// Subscriptions that can be narrowed in one tap.
struct Narrower {
    /// What the button says.
    label: String,
    subscriptions: Vec<(String, Filter)>,
}

/// What a reason may cut off.
fn cuts(refusal: Refusal) -> &'static [NarrowBy] {
    match refusal {
        Refusal::Buyer => &[NarrowBy::Buyer],
        Refusal::Trade => &[NarrowBy::Trade],
        Refusal::Place => &[NarrowBy::Place],
        Refusal::Time => &[NarrowBy::Time],
        Refusal::Size => &[NarrowBy::Large, NarrowBy::Small],
        // Of what was bid for and lost: nothing was wrong with hearing of it.
        Refusal::Price | Refusal::Quality | Refusal::Other => &[],
    }
}

/// What one tap may leave out after that reason, for a person's subscriptions that bring such a market; and what each button says.
///
/// # Errors
/// The database fails.
pub async fn offered(
    service: &Service,
    person: &Subscriber,
    procedure: &str,
    refusal: Refusal,
) -> Result<Vec<(NarrowBy, String)>, Failure> {
    let cuts = cuts(refusal);
    if cuts.is_empty() {
        return Ok(Vec::new());
    }
    let notices = service.store.notices_of(procedure).await?;
    let own = service.store.subscriptions_of(&person.id).await?;
    Ok(cuts.iter().filter_map(|cut| Some((*cut, narrower(&notices, &own, *cut)?.label))).collect())
}

/// The subscriptions that leave out what is like the newest of these notices, by one condition.
fn narrower(notices: &[NoticeRow], own: &[Subscription], cut: NarrowBy) -> Option<Narrower> {
    let row = notices.last()?;
    let folded = classify::searchable(&row.notice, &row.assessment.lots);
    let seen = candidate(row, &folded, row.first_seen);
    let mut label = String::new();
    let mut subscriptions = Vec::new();
    for s in own {
        let Some((said, narrowing)) = narrowing(cut, &s.filter, &seen) else { continue };
        if let Some(filter) = follow_up::narrowed(&s.filter, &narrowing) {
            label = said;
            subscriptions.push((s.id.clone(), filter));
        }
    }
    (!subscriptions.is_empty()).then_some(Narrower { label, subscriptions })
}

/// Narrows a person's subscriptions by what of a market is not to come again; gives what to say.
///
/// # Errors
/// The database fails.
pub async fn narrow(service: &Service, person: &Subscriber, procedure: &str, cut: NarrowBy) -> Result<String, Failure> {
    let notices = service.store.notices_of(procedure).await?;
    let buyer = notices.iter().rev().map(|n| &n.notice.buyer).find(|b| !b.name.is_empty());
    let name = buyer.map_or_else(|| "cet acheteur".to_owned(), |b| short(&b.name, 80));
    if cut == NarrowBy::Buyer && buyer.is_none_or(|b| b.siret.as_deref().unwrap_or_default().is_empty()) {
        return Ok(format!("L’avis ne donne pas le SIRET de {name} : il ne peut pas être écarté d’un geste."));
    }
    let own = service.store.subscriptions_of(&person.id).await?;
    let Some(narrower) = narrower(&notices, &own, cut) else {
        return Ok(if cut == NarrowBy::Buyer {
            format!("C’est déjà fait : {name} est écarté de vos abonnements.")
        } else {
            "C’est déjà fait, ou il ne resterait plus rien. « Mes abonnements » montre ce que vous recevez.".to_owned()
        });
    };
    for (id, filter) in &narrower.subscriptions {
        subscriptions::narrow(service, person, id, filter).await?;
    }
    if cut == NarrowBy::Buyer {
        return Ok(format!("C’est fait : plus aucun nouveau marché de {name}. {BACK}"));
    }
    let now: Vec<String> = narrower.subscriptions.iter().map(|(_, f)| short(&criteria::in_french(f), 200)).collect();
    Ok(format!("C’est fait. Vous recevez maintenant : {}. {BACK}", now.join(" – ")))
}

const BACK: &str = "Pour revenir en arrière : « Mes abonnements » (/abonnements dans un chat).";

/// How a filter leaves out what is like this notice, and what the button says. Pure.
fn narrowing(cut: NarrowBy, filter: &Filter, c: &Candidate<'_>) -> Option<(String, Narrowing)> {
    let value = c.notice.estimated_value;
    let euros = |n: f64| format!("{} €", french::number(n));
    Some(match cut {
        NarrowBy::Buyer => {
            let siret = c.notice.buyer.siret.clone().filter(|s| !s.is_empty())?;
            ("Plus jamais cet acheteur".to_owned(), Narrowing::Buyer(siret))
        }
        NarrowBy::Trade => {
            let theirs: Vec<Sector> =
                c.assessment.sectors.iter().filter(|s| filter.sectors.contains(s)).cloned().collect();
            let label = short(Rules::embedded().sector_label(theirs.first()?), 40);
            (format!("Plus rien en : {label}"), Narrowing::Sectors(theirs))
        }
        NarrowBy::Place => match filter.nearest(c) {
            Some(Near::Around { km, .. }) if km > 1 => {
                (format!("Rayon ramené à {} km", km - 1), Narrowing::Circle(km - 1))
            }
            _ => {
                let theirs: Vec<Department> =
                    c.assessment.departments.iter().filter(|d| filter.departments.contains(d)).cloned().collect();
                let first = theirs.first()?.as_str();
                (
                    format!("Plus rien dans : {}", Rules::embedded().department_label(first)),
                    Narrowing::Departments(theirs),
                )
            }
        },
        NarrowBy::Time => {
            let left = (c.assessment.deadline()?.with_timezone(&Utc) - c.now).num_days();
            let days = (0..MAX_LEAD).contains(&left).then_some(left + 1)?;
            (
                format!("Au moins {} pour répondre", french::plural(usize::try_from(days).ok()?, "jour")),
                Narrowing::Lead(days),
            )
        }
        NarrowBy::Large => {
            let most = value.filter(|v| *v > 1.0)?.ceil() - 1.0;
            (format!("Au plus {}", euros(most)), Narrowing::Below(most))
        }
        NarrowBy::Small => {
            let least = value?.floor() + 1.0;
            (format!("Au moins {}", euros(least)), Narrowing::Above(least))
        }
    })
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, Duration};
    use vigie_config::rules;
    use vigie_domain::{Around, DateKind, Notice, NoticeKind, Place, TypedDate};

    use super::*;

    #[test]
    fn a_reason_offers_what_of_this_very_notice_can_be_left_out() {
        let now = DateTime::parse_from_rfc3339("2026-11-21T09:00:00+01:00").unwrap();
        let mut notice = Notice::new("t", "1", NoticeKind::Call);
        notice.title = "Location et entretien du linge, blanchisserie".into();
        notice.buyer.siret = Some("21590350100017".into());
        notice.departments.extend(Department::parse("59"));
        notice.places.push(Place { city: Some("Lille".into()), postcode: Some("59000".into()), nuts: None });
        notice.estimated_value = Some(250_000.0);
        notice.dates.push(TypedDate::of_field(DateKind::Tender, (now + Duration::days(12), true), "test"));
        let assessment = classify::classify(&notice);
        let candidate = Candidate {
            notice: &notice,
            assessment: &assessment,
            folded: " ",
            now: now.with_timezone(&Utc),
            communes: rules::communes,
        };
        let filter = Filter {
            sectors: vec!["blanchisserie".into(), "pressing".into()],
            departments: ["59", "62"].iter().filter_map(|d| Department::parse(d)).collect(),
            ..Filter::default()
        };
        let circle = Filter { around: vec![Around { commune: "62498".into(), km: 30 }], ..Filter::default() };
        let said = |cut, filter: &Filter| narrowing(cut, filter, &candidate).map(|(label, _)| label);
        for (cut, filter, label) in [
            (NarrowBy::Buyer, &filter, "Plus jamais cet acheteur"),
            (NarrowBy::Place, &filter, "Plus rien dans : Nord (59)"),
            (NarrowBy::Place, &circle, "Rayon ramené à 27 km"),
            (NarrowBy::Time, &filter, "Au moins 13\u{a0}jours pour répondre"),
            (NarrowBy::Large, &filter, "Au plus 249\u{202f}999 €"),
            (NarrowBy::Small, &filter, "Au moins 250\u{202f}001 €"),
        ] {
            assert_eq!(said(cut, filter).as_deref(), Some(label));
        }
        assert!(said(NarrowBy::Trade, &filter).is_some_and(|l| l.starts_with("Plus rien en : Blanchisserie")));
        assert_eq!((said(NarrowBy::Trade, &circle), said(NarrowBy::Place, &Filter::default())), (None, None));
        for (cut, filter) in [(NarrowBy::Place, &circle), (NarrowBy::Large, &filter), (NarrowBy::Time, &filter)] {
            let (_, narrowing) = narrowing(cut, filter, &candidate).unwrap();
            let narrow = follow_up::narrowed(filter, &narrowing).unwrap();
            assert!(narrow.test(&candidate).is_err(), "the notice itself is left out: {cut:?}");
        }
    }
}
