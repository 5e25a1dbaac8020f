package api

import (
	_ "embed" // openapi.yaml
	"net/http"
)

//go:embed openapi.yaml
var document []byte

// GetLivez says that the process answers.
func (s *server) GetLivez(w http.ResponseWriter, _ *http.Request) {
	writeText(w, "text/plain; charset=utf-8", []byte("alive\n"))
}

// GetReadyz says whether there is a table to serve by.
func (s *server) GetReadyz(w http.ResponseWriter, r *http.Request) {
	if err := s.Router.Ready(); err != nil {
		s.fail(w, r, newProblem(http.StatusServiceUnavailable, "not_ready", "This router is not ready.", err.Error(), ""))
		return
	}
	writeText(w, "text/plain; charset=utf-8", []byte("ready\n"))
}

// GetMetrics hands over to the metrics of this router.
func (s *server) GetMetrics(w http.ResponseWriter, r *http.Request) {
	s.Metrics.ServeHTTP(w, r)
}

// GetOpenapi answers with the document this API follows.
func (s *server) GetOpenapi(w http.ResponseWriter, _ *http.Request) {
	writeText(w, "application/yaml", document)
}
