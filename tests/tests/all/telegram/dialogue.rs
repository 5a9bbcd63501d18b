//! Dialogues in chats, and the service that listens.

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn odd_input_is_answered_in_french_or_left_alone_and_loses_nothing() {
    let ada = person("Ada", &format!("telegram = 501\n{OF_A_STRUCTURE}"));
    let bench = Bench::new(vec![cleaning("26-100", "Nettoyage")], &ada).await;
    bench.double.person(ADA, "Ada");
    bench.pass(at(0, 0));
    let long = format!("/abonner {}", "é".repeat(4000));
    for (n, said) in
        [long.as_str(), "🎉🎉🎉", "\u{202e}مرحبا", "/\u{0}", "/inconnue", "   ", "@vigie_bot"].into_iter().enumerate()
    {
        bench.double.say(ADA, ADA, said);
        bench.pass(at(1, 2 * n as i64));
    }
    bench.pass(at(2, 0));
    assert_eq!(bench.double.unconfirmed(), 0);
    let refused: Vec<_> = bench.double.calls().into_iter().filter(|c| c.code != 200).collect();
    assert!(refused.is_empty(), "{refused:?}");
    assert!(bench.double.messages(ADA).len() > 1, "a helpful line");
}

impl Bench {
    /// A code that `vigie invite` prints.
    fn code(&self, role: &str) -> String {
        let out = self.command(&["invite", "--role", role], at(0, 0)).output().unwrap();
        let said = String::from_utf8(out.stdout).unwrap();
        let code = said.lines().find_map(|l| l.strip_prefix("Code : "));
        code.unwrap_or_else(|| panic!("{said}")).trim().to_owned()
    }

    /// One pass that polls no source.
    fn listens(&self, now: DateTime<Utc>) {
        self.double.set_now(now);
        let out = self.command(&["run", "--once", "--role", "deliver"], now).output().unwrap();
        assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    }

    /// The last message of the bot in a chat.
    fn last(&self, chat: i64) -> Shown {
        self.double.messages(chat).pop().unwrap()
    }

    /// Somebody writes, and a pass answers: a process of its own each time. Gives the bot's last message.
    fn says(&self, chat: i64, by: i64, words: &str, minute: i64) -> Shown {
        self.double.say(chat, by, words);
        self.listens(at(minute, 0));
        self.last(chat)
    }

    /// Somebody presses a button of the bot's last message.
    fn presses(&self, chat: i64, by: i64, label: &str, minute: i64) -> Shown {
        self.double.press(chat, by, self.last(chat).id, label);
        self.listens(at(minute, 0));
        self.last(chat)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_whole_dialogue_by_buttons_and_words_each_answer_in_a_process_of_its_own() {
    let bench = Bench::new(vec![cleaning("26-100", "Nettoyage")], "").await;
    bench.double.person(ADA, "Ada");
    bench.pass(at(0, 0));
    let code = bench.code("structure");
    assert!(bench.says(ADA, ADA, &format!("/start {code}"), 1).text.contains("Bienvenue Ada"));
    let mut minute = 1;
    let mut next = |press: bool, words: &str, wanted: &str| {
        minute += 1;
        let before = bench.double.messages(ADA).len();
        let shown = if press { bench.presses(ADA, ADA, words, minute) } else { bench.says(ADA, ADA, words, minute) };
        assert!(shown.text.contains(wanted), "« {words} »: {}", shown.text);
        let after = bench.double.messages(ADA).len();
        assert_eq!(after - before, usize::from(!press), "a press edits, a word is answered: « {words} »");
        shown
    };
    next(true, "M’abonner", "Quel est le SIRET");
    next(false, "🎉🎉🎉", "quatorze chiffres");
    next(false, "99999999999999", "99999999999999 comporte une faute de frappe");
    next(false, "73282932000074", "Je ne trouve pas 73282932000074 dans l’annuaire");
    next(true, "EA", "Quels métiers");
    next(false, &"é".repeat(4000), "Je ne connais pas");
    next(false, "\u{202e}stom\u{202c}", "Quels métiers");
    next(false, "nettoyage de locaux", "Retenu");
    next(true, "Continuer", "Où travaillez-vous");
    next(false, "Lens 30 km, 59", "Nord (59), 30\u{a0}km autour de Lens (62)");
    next(true, "Continuer", "Quelles dispositions");
    next(true, "Marché réservé", "Retenu\u{a0}: Marché réservé");
    next(true, "Continuer", "À quel rythme");
    next(true, "Tout de suite", "1\u{a0}marché vous aurait été signalé");
    next(true, "Affiner", "Une autre condition");
    next(false, "moins de 900 000 €", "jusqu’à 900\u{202f}000");
    let confirm = next(true, "Continuer", "C’est bien cela");
    let kept = confirm.buttons.iter().flatten().find(|(label, _)| label == "Je m’abonne").unwrap().1.clone();
    let done = next(true, "Je m’abonne", "C’est fait");
    // Pressed again by a client that still shows it, and by one that shows it a year later.
    for minute in [100, 525_600] {
        let again = bench.double.press_data(ADA, ADA, done.id, &kept);
        bench.pass(at(minute, 0));
        assert!(bench.double.answered(&again).unwrap().contains("est passée"), "{:?}", bench.double.answered(&again));
    }
    let store = bench.store().await;
    assert_eq!(store.subscriptions().await.unwrap().1.len(), 1, "kept once");
    store.close().await;
    let refused: Vec<_> = bench.double.calls().into_iter().filter(|c| c.code != 200).collect();
    assert!(refused.is_empty(), "{refused:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dialogue_of_a_group_survives_two_who_answer_a_removal_and_a_migration() {
    let bench = Bench::new(Vec::new(), "").await;
    bench.double.group(TEAM, "Équipe", &[(ADA, "Ada"), (502, "Basile")]);
    bench.pass(at(0, 0));
    let code = bench.code("structure");
    assert!(bench.says(TEAM, ADA, &format!("/start {code}"), 1).text.contains("Bienvenue Équipe"));
    let asked = bench.says(TEAM, ADA, "/abonner@vigie_bot", 2);
    assert!(asked.text.contains("SIRET") && asked.under.is_some(), "{asked:?}");
    // Both press the button of the same question.
    let (first, second) =
        (bench.double.press(TEAM, ADA, asked.id, "À la main"), bench.double.press(TEAM, 502, asked.id, "À la main"));
    bench.pass(at(3, 0));
    assert!(bench.double.shown(TEAM, asked.id).unwrap().text.contains("Quelle sorte de structure"));
    let word = |press: &str| bench.double.answered(press).unwrap();
    assert!(word(&first).is_empty() && word(&second).contains("est passée"), "{} {}", word(&first), word(&second));
    // People also talk to each other.
    let before = bench.double.messages(TEAM).len();
    bench.double.reply(TEAM, 502, "je demande à Léa", asked.id);
    bench.pass(at(4, 0));
    assert_eq!(bench.double.messages(TEAM).len(), before, "what is no answer is left alone");

    bench.double.block(TEAM, ADA);
    bench.pass(at(5, 0));
    bench.double.unblock(TEAM, ADA);
    bench.pass(at(6, 0));
    assert!(bench.last(TEAM).text.contains("De retour"), "{}", bench.last(TEAM).text);
    let again = bench.says(TEAM, 502, "/abonner", 7);
    assert!(again.text.contains("Reprenons") && again.text.contains("Quelle sorte"), "{}", again.text);

    let new = bench.double.migrate(TEAM, true);
    bench.pass(at(8, 0));
    let there = bench.says(new, ADA, "/abonner", 9);
    assert!(there.text.contains("Reprenons") && there.text.contains("Quelle sorte"), "{}", there.text);
    bench.double.reply(new, 502, "EA", there.id);
    bench.pass(at(10, 0));
    assert!(bench.last(new).text.contains("Quels métiers"), "{}", bench.last(new).text);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_forwarded_or_corrected_is_said_not_to_be_read() {
    let bench = Bench::new(Vec::new(), &person("Ada", "telegram = 501")).await;
    bench.double.person(ADA, "Ada");
    bench.double.forward(ADA, ADA, "oui");
    bench.pass(at(0, 0));
    assert!(bench.last(ADA).text.contains("messages transférés"));
    let said = bench.double.say(ADA, ADA, "/aidde");
    bench.pass(at(1, 0));
    assert!(bench.last(ADA).text.contains("Je ne connais pas la commande"));
    bench.double.correct(ADA, said, "/aide");
    bench.pass(at(2, 0));
    assert!(bench.last(ADA).text.contains("Je ne relis pas un message corrigé"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_sees_the_sources_pauses_one_and_sends_a_dead_letter_again() {
    let operator = "[[subscriber]]\nname = \"Exploitante\"\nrole = \"operator\"\ntelegram = 700\n";
    let people = person("Ada", "telegram = 501") + operator;
    let bench = Bench::new(vec![cleaning("26-100", "Nettoyage")], &people).await;
    bench.double.person(700, "Exploitante");
    bench.double.person(ADA, "Ada");
    bench.double.script(|method, chat| {
        let refused = method == "sendmessage" && chat == Some(ADA);
        if refused { Reaction::Refuse(400, "Bad Request: message is too odd") } else { Reaction::Accept }
    });
    bench.pass(at(0, 0));
    assert!(bench.says(700, 700, "/sante", 1).text.contains("🟢 boamp\u{a0}: va bien"), "{}", bench.last(700).text);
    assert!(bench.says(700, 700, "/pauser boamp", 2).text.contains("La source boamp est en pause"));
    assert!(bench.says(700, 700, "/santé", 3).text.contains("⏸ boamp"));
    bench.publish(cleaning("26-200", "Nettoyage des crèches"));
    // Whatever is due, not what is forced: nobody's pause holds the one who forces.
    let due = |minutes: i64| {
        let out = bench.command(&["run", "--once", "--role", "watch,deliver"], at(minutes, 0)).output().unwrap();
        assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    };
    due(600);
    let known = |store: Store| async move {
        let known = store.notice("boamp:26-200").await.unwrap().is_some();
        store.close().await;
        known
    };
    assert!(!known(bench.store().await).await, "a source in pause is not read");
    assert!(bench.says(700, 700, "/reprendre_source boamp", 601).text.contains("reprise là où elle en était"));
    due(1200);
    assert!(known(bench.store().await).await);
    let queue = bench.says(700, 700, "/file", 1201);
    assert!(queue.text.contains("refusé") && queue.text.contains("✖"), "{}", queue.text);
    bench.double.script(|_, _| Reaction::Accept);
    bench.presses(700, 700, "Renvoyer", 1202);
    bench.pass(at(1203, 0));
    assert!(!bench.double.messages(ADA).is_empty(), "the dead letter arrives");
    assert!(bench.says(ADA, ADA, "/file", 1204).text.contains("pour la personne qui gère Vigie"), "not for everybody");
}

impl Bench {
    fn service(&self) -> Service {
        let mut command = self.command(&["run", "--role", "deliver"], Utc::now());
        command.env_remove("VIGIE_NOW").stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null());
        Service(command.spawn().unwrap())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_service_listens_answers_at_once_and_proposes_its_commands() {
    let ada = person("Ada", &format!("telegram = 501\n{OF_A_STRUCTURE}"));
    let bench = Bench::new(vec![cleaning("26-100", "Nettoyage")], &ada).await;
    bench.double.person(ADA, "Ada");
    bench.pass(at(0, 0));
    let alert = bench.double.messages(ADA)[0].clone();
    let service = bench.service();
    until("the menu is set", || !bench.double.menu().is_empty()).await;
    assert!(bench.double.menu().iter().any(|(name, does)| name == "aide" && does.contains("Vigie")));
    bench.double.press(ADA, ADA, alert.id, "⏰");
    until("the reminder shows", || bench.double.shown(ADA, alert.id).is_some_and(|m| m.text.contains("rappel"))).await;
    // A second process of the same database leaves the listening to the first.
    let polls = |double: &Double| double.calls().iter().filter(|c| c.method == "getupdates" && c.code == 409).count();
    let other = bench.service();
    bench.double.say(ADA, ADA, "/aide");
    until("help is given", || bench.double.messages(ADA).len() > 1).await;
    assert_eq!(polls(&bench.double), 0, "nobody is thrown out");
    // Killed, the listening goes on elsewhere.
    drop(service);
    drop(other);
    bench.double.say(ADA, ADA, "/aide");
    let said = bench.double.messages(ADA).len();
    let _third = bench.service();
    until("a new process answers what was said meanwhile", || bench.double.messages(ADA).len() > said).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_listener_with_the_same_token_is_told_to_the_operators_and_loses_nothing() {
    let operator = "[[subscriber]]\nname = \"Exploitante\"\nrole = \"operator\"\ntelegram = 700\n";
    let bench = Bench::new(Vec::new(), operator).await;
    bench.double.person(700, "Exploitante");
    bench.double.set_webhook(true);
    bench.pass(at(0, 0));
    assert!(bench.double.messages(700).is_empty(), "once may be a restart");
    bench.double.say(700, 700, "/aide");
    let _service = bench.service();
    until("the operator is told", || bench.double.messages(700).iter().any(|m| m.text.contains("un autre programme")))
        .await;
    bench.double.set_webhook(false);
    until("what was said meanwhile is answered", || bench.double.messages(700).len() > 1).await;
    until("and confirmed", || bench.double.unconfirmed() == 0).await;
}
