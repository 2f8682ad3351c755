package ingress

import (
	"net/http"

	"github.com/grapnel-dev/grapnel/internal/store"
)

// answer tells the sender what became of its event.
func (x *exchange) answer(accepted store.Accepted, processed bool) {
	status, body := x.hook.answerTo(accepted, processed)
	writeJSON(x.w, status, body)
}

// answerTo gives the answer for an event that is durable. processed says that every destination has confirmed.
func (w *Webhook) answerTo(accepted store.Accepted, processed bool) (status int, body []byte) {
	status = http.StatusOK
	message, note := `{"message":"200 OK","id":"`, ""
	switch {
	case processed && (w.Retries || accepted.Duplicate):
		message = `{"message":"200 OK","status":"processed","id":"`
	case w.Retries:
		status = http.StatusAccepted
		message, note = `{"message":"202 Accepted","status":"accepted","id":"`,
			`,"note":"Request accepted, processing in background with retries"`
	}
	body = make([]byte, 0, 192)
	body = append(body, message...)
	body = append(body, accepted.EventID...)
	body = append(body, '"')
	body = append(body, note...)
	if accepted.Duplicate {
		body = append(body, `,"duplicate":true`...)
	}
	return status, append(body, "}\n"...)
}

func writeJSON(w http.ResponseWriter, status int, body []byte) {
	header := w.Header()
	header["Content-Type"] = []string{"application/json"}
	header["X-Content-Type-Options"] = []string{"nosniff"}
	w.WriteHeader(status)
	_, _ = w.Write(body) // a sender that is gone changes nothing
}
