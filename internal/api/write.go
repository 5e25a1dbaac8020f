package api

import (
	"encoding/json"
	"net/http"
)

// writeJSON answers with value. It is encoded before anything is sent, so that
// an answer is whole or a problem.
func (s *server) writeJSON(w http.ResponseWriter, r *http.Request, value any) {
	body, err := json.Marshal(value)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(body) // a client that left does not want it
}

// writeText answers with text of another media type.
func writeText(w http.ResponseWriter, mediaType string, text []byte) {
	w.Header().Set("Content-Type", mediaType)
	_, _ = w.Write(text) // a client that left does not want it
}
