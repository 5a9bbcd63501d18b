//! Templates of an installation's own.

use vigie_notifier::message::{Form, Templates};

/// A template that fails on a message costs its look, and not the message.
#[test]
fn a_template_that_fails_gives_way_to_the_built_in_one() {
    let dir = std::env::temp_dir().join(format!("vigie-own-template-{}", std::process::id()));
    std::fs::create_dir_all(&dir).unwrap();
    let own = |template: &str| {
        std::fs::write(dir.join("operateur.txt"), template).unwrap();
        let templates = Templates::load(Some(&dir)).unwrap().with_answers(true);
        templates.operator(Form::Mail, "titre", "Le corps du message.").unwrap().text().to_owned()
    };
    let mine = own("À moi : {{ body }}");
    let broken = ["{{ zorglub.x }}", "{{ title.a.b }}", "{% for x in 3 %}{% endfor %}"].map(own);
    std::fs::remove_dir_all(&dir).unwrap();
    assert!(mine.starts_with("À moi"), "{mine}");
    assert!(broken.iter().all(|text| text.contains("Le corps du message.")), "{broken:?}");
}
