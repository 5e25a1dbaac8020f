package relational

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/stranglerfig/strangler/internal/shadow"
	"github.com/stranglerfig/strangler/internal/shadow/compare"
)

// errUnreadable is a document that this program does not understand.
var errUnreadable = errors.New("it is written in a way that this version does not know")

// exemplarDocument is an exemplar as its row has it, without what is in columns.
// A field that is unknown here is passed over: a newer router has written it.
type exemplarDocument struct {
	Signatures  []string             `json:"signatures"`
	Served      string               `json:"served"`
	Instance    anyBytes             `json:"instance"`
	Request     requestDocument      `json:"request"`
	Legacy      tookDocument         `json:"legacy"`
	New         tookDocument         `json:"new"`
	Differences []differenceDocument `json:"differences"`
	More        int                  `json:"more,omitempty"`
}

type requestDocument struct {
	Method anyBytes              `json:"method"`
	Scheme string                `json:"scheme"`
	Host   anyBytes              `json:"host"`
	Target anyBytes              `json:"target"`
	Header map[string][]anyBytes `json:"header,omitempty"`
	Body   []byte                `json:"body,omitempty"` // base64
}

type tookDocument struct {
	Status   int           `json:"status"`
	Bytes    int64         `json:"bytes"`
	Duration time.Duration `json:"duration_ns"`
	Build    anyBytes      `json:"build,omitempty"`
}

type differenceDocument struct {
	Where  anyBytes      `json:"where"`
	Path   anyBytes      `json:"path"`
	Kind   compare.Kind  `json:"kind"`
	Legacy valueDocument `json:"legacy"`
	New    valueDocument `json:"new"`
}

type valueDocument struct {
	Type string   `json:"type,omitempty"`
	Text anyBytes `json:"text"`
}

func marshalExemplar(e shadow.Exemplar) (string, error) {
	d := exemplarDocument{
		Signatures: e.Signatures, Served: e.Served, Instance: anyBytes(e.Instance), More: e.More,
		Request: requestDocument{
			Method: anyBytes(e.Request.Method), Scheme: e.Request.Scheme, Host: anyBytes(e.Request.Host),
			Target: anyBytes(e.Request.Target), Header: toHeader[anyBytes](e.Request.Header), Body: e.Request.Body,
		},
		Legacy: toTookDocument(e.Legacy), New: toTookDocument(e.New),
		Differences: make([]differenceDocument, len(e.Differences)),
	}
	for i, difference := range e.Differences {
		d.Differences[i] = differenceDocument{
			Where: anyBytes(difference.Where), Path: anyBytes(difference.Path), Kind: difference.Kind,
			Legacy: valueDocument{difference.Legacy.Type, anyBytes(difference.Legacy.Text)},
			New:    valueDocument{difference.New.Type, anyBytes(difference.New.Text)},
		}
	}
	text, err := json.Marshal(d)
	if err != nil {
		return "", fmt.Errorf("describe exemplar %q: %w", e.ID, err)
	}
	return string(text), nil
}

// unmarshalExemplar fills in what the document has.
func unmarshalExemplar(text document, e *shadow.Exemplar) error {
	var d exemplarDocument
	if err := json.Unmarshal(text, &d); err != nil {
		return fmt.Errorf("%w: exemplar %q: %w", errUnreadable, e.ID, err)
	}
	e.Signatures, e.Served, e.Instance, e.More = d.Signatures, d.Served, string(d.Instance), d.More
	e.Request = shadow.Request{
		Method: string(d.Request.Method), Scheme: d.Request.Scheme, Host: string(d.Request.Host),
		Target: string(d.Request.Target), Header: toHeader[string](d.Request.Header), Body: d.Request.Body,
	}
	e.Legacy, e.New = d.Legacy.took(), d.New.took()
	e.Differences = make([]compare.Difference, len(d.Differences))
	for i, difference := range d.Differences {
		e.Differences[i] = compare.Difference{
			Where: string(difference.Where), Path: string(difference.Path), Kind: difference.Kind,
			Legacy: compare.Value{Type: difference.Legacy.Type, Text: string(difference.Legacy.Text)},
			New:    compare.Value{Type: difference.New.Type, Text: string(difference.New.Text)},
		}
	}
	return nil
}

func toTookDocument(t shadow.Took) tookDocument {
	return tookDocument{Status: t.Status, Bytes: t.Bytes, Duration: t.Duration, Build: anyBytes(t.Build)}
}

func (t tookDocument) took() shadow.Took {
	return shadow.Took{Status: t.Status, Bytes: t.Bytes, Duration: t.Duration, Build: string(t.Build)}
}

// toHeader turns the values of fields from one kind of text into another.
func toHeader[To, From ~string](header map[string][]From) map[string][]To {
	turned := make(map[string][]To, len(header))
	for name, values := range header {
		turned[name] = make([]To, len(values))
		for i, value := range values {
			turned[name][i] = To(value)
		}
	}
	return turned
}
