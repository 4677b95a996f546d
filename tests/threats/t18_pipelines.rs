//! T18: a thousand requests at once, some answered here and some by the broker.

use std::thread;

use crate::frames::{self, Named, batch, correlation_id};
use crate::stage::stage;
use crate::wire::ApiKey;

#[test]
fn t18_answer_i_is_to_request_i() {
    let stage = stage();
    stage.topic("open.t18", 1);
    stage.topic("closed.t18", 1);
    let mut client = stage.client();
    let mut writer = client.socket.try_clone().unwrap();
    let ids: Vec<i32> = (0..1000).map(|i: i32| i.wrapping_mul(-1_640_531_527)).collect();
    let sent = ids.clone();
    let sending = thread::spawn(move || {
        use std::io::Write;
        for (index, id) in sent.into_iter().enumerate() {
            let frame = match index % 4 {
                0 => {
                    let closed = frames::produce(1, &[("closed.t18", &[(0, batch(&["{}"]))])]);
                    frames::request(ApiKey::PRODUCE, 9, id, &closed)
                }
                1 => {
                    let open = frames::produce(1, &[("open.t18", &[(0, batch(&["{}"]))])]);
                    frames::request(ApiKey::PRODUCE, 9, id, &open)
                }
                2 => frames::request(ApiKey::METADATA, 12, id, &frames::metadata_request()),
                _ => {
                    // An id that must be asked for on the way.
                    let unknown = frames::fetch(&[(Named::Id([0xee; 16]), &[0])], (0, -1));
                    frames::request(ApiKey::FETCH, 13, id, &unknown)
                }
            };
            writer.write_all(&frame).unwrap();
        }
    });
    for id in ids {
        assert_eq!(correlation_id(&client.receive().expect("an answer")), id);
    }
    sending.join().unwrap();
    assert_eq!(stage.broker().end_offset("open.t18"), 250);
    assert_eq!(stage.broker().end_offset("closed.t18"), 0);
}
