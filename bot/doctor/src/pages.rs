//! The public address: whether the pages answer there, and until when their certificate is good.

use chrono::{DateTime, Duration, Utc};
use url::Url;

use crate::probe::{self, Certificate, Seen};
use crate::{Finding, Ground, span};

/// A certificate that ends sooner was not renewed in time.
const RENEWED_BEFORE: Duration = Duration::days(7);
/// Programs that renew certificates do it earlier: one that ends so soon is worth a look.
const RENEWED_EARLY: Duration = Duration::days(20);

pub(crate) async fn look(ground: &Ground<'_>) -> Vec<Finding> {
    let Some(public) = &ground.settings.web.public_url else {
        let fix = "donnez [web] public_url et secret : sans eux, aucun lien dans les messages, et personne n’entre dans ses pages";
        return vec![Finding::look("pages", "adresse publique", "aucune n’est réglée", fix)];
    };
    let health = Url::parse(&format!("{}/sante", public.trim_end_matches('/')));
    let seen = match health {
        Ok(url) => probe::look(&url).await,
        Err(e) => Err(e.to_string()),
    };
    judge(public, seen, ground.now)
}

fn judge(public: &str, seen: Result<Seen, String>, now: DateTime<Utc>) -> Vec<Finding> {
    let what = "adresse publique";
    let seen = match seen {
        Ok(seen) => seen,
        Err(e) => {
            let fix = "vérifiez le DNS, le pare-feu et le mandataire (nginx, Caddy…) devant le service, et que celui-ci tourne";
            return vec![Finding::fault("pages", what, format!("{public} ne répond pas : {e}"), fix)];
        }
    };
    let answer = match seen.status {
        200 => Finding::good("pages", what, format!("{public} répond")),
        status => Finding::fault(
            "pages",
            what,
            format!("{public}/sante répond {status}"),
            "le mandataire doit transmettre toutes les adresses à [web] listen ; vérifiez que le service tourne",
        ),
    };
    let certificate = match seen.certificate {
        Some(certificate) => judge_certificate(&certificate, now),
        None => Finding::look(
            "certificate",
            "certificat",
            "l’adresse publique est en http:// : liens et connexions passent en clair",
            "mettez un mandataire qui chiffre (Caddy le fait seul), puis écrivez https:// dans public_url",
        ),
    };
    vec![answer, certificate]
}

fn judge_certificate(certificate: &Certificate, now: DateTime<Utc>) -> Finding {
    let what = "certificat";
    let left = certificate.until - now;
    let day = vigie_domain::french::date(certificate.until.date_naive());
    let renew = "renouvelez-le (certbot renew, ou redémarrez Caddy), et voyez pourquoi cela n’a pas été fait seul";
    if left <= Duration::zero() {
        return Finding::fault("certificate", what, format!("périmé depuis le {day}"), renew);
    }
    if let Some(why) = &certificate.distrust {
        let fix = "installez un certificat complet (avec ses intermédiaires), au nom de cette adresse";
        return Finding::fault("certificate", what, format!("les navigateurs le refusent : {why}"), fix);
    }
    let said = format!("bon jusqu’au {day}, encore {}", span(left));
    match left {
        left if left < RENEWED_BEFORE => Finding::fault("certificate", what, said, renew),
        left if left < RENEWED_EARLY => Finding::look("certificate", what, said, renew),
        _ => Finding::good("certificate", what, said),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::State;

    #[test]
    fn a_certificate_is_judged_by_its_end_and_by_who_trusts_it() {
        let now = DateTime::from_timestamp(1_795_000_000, 0).unwrap();
        let judged = |days: i64, distrust: Option<&str>| {
            let until = now + Duration::days(days);
            judge_certificate(&Certificate { until, distrust: distrust.map(str::to_owned) }, now)
        };
        assert_eq!(judged(60, None).state, State::Good);
        assert_eq!(judged(15, None).state, State::Look);
        assert_eq!(judged(3, None).state, State::Fault);
        let over = judged(-4, Some("expired"));
        assert!(over.state == State::Fault && over.found.contains("périmé"), "{over:?}");
        assert_eq!(judged(60, Some("self-signed")).state, State::Fault);
    }

    #[test]
    fn pages_that_do_not_answer_are_named_with_what_to_look_at() {
        let now = DateTime::from_timestamp(1_795_000_000, 0).unwrap();
        let away = judge("https://v.example", Err("refusé".to_owned()), now);
        assert!(away.len() == 1 && away[0].state == State::Fault && away[0].remedy.contains("mandataire"), "{away:?}");
        let wrong = judge("http://v.example", Ok(Seen { status: 502, date: None, certificate: None }), now);
        assert_eq!((wrong[0].state, wrong[1].state), (State::Fault, State::Look), "{wrong:?}");
    }
}
