//! Stands in for what others are building.
#[derive(Default)]
pub(super) struct Lab;
impl Lab {
    pub(super) fn ask(&mut self, question: &str) -> String {
        if question.contains("hello") {
            r#"{"kind":"lab","runs":[{"run":1}],"current":1,"exercises":[]}"#.to_owned()
        } else if question.contains("\"n\":99") {
            r#"{"error":{"code":"x","message":"there are 10 exercises"}}"#.to_owned()
        } else if question.contains("start") {
            question.replace("ask", "run")
        } else {
            r#"{"run":2,"version":1,"part":{}}"#.to_owned()
        }
    }
}
