package proxy

import (
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/stranglerfig/strangler/internal/guard"
)

// errInjected ends a try as if the backend had reset the connection.
var errInjected = errors.New("a fault that was injected reset the connection")

// faultHeader names the fault that made an answer, for the person who wonders.
const faultHeader = "Strangler-Fault"

// injected makes a try suffer what a fault demands. It returns an answer in
// place of the backend's, or an error; neither: the backend is asked.
//
// The try counts as sent meanwhile: the point of a fault is that the guard sees
// what it would see of a backend that is slow or broken.
func (f *flow) injected(by guard.Injection) (*http.Response, error) {
	try := f.try
	f.Fault = by.Fault
	f.metrics.Injected()
	try.trace.wrote.Store(true)
	try.blameless = true // the endpoint serves other lanes, too
	try.unpin()
	if by.Delay > 0 && !sleep(try.deadline.ctx, by.Delay) {
		return nil, try.deadline.ctx.Err()
	}
	switch {
	case by.Reset:
		return nil, errInjected
	case by.Status != 0:
		return injectedAnswer(f.r, by), nil
	}
	try.trace.wrote.Store(false)
	try.blameless = false
	if !try.repin() {
		return nil, errTableChanged
	}
	return nil, nil
}

func injectedAnswer(r *http.Request, by guard.Injection) *http.Response {
	body := "injected by fault " + strconv.FormatInt(by.Fault, 10) + "\n"
	answer := &http.Response{
		StatusCode: by.Status, ProtoMajor: 1, ProtoMinor: 1, ContentLength: int64(len(body)),
		Header: http.Header{
			"Content-Type": {"text/plain; charset=utf-8"}, "Content-Length": {strconv.Itoa(len(body))},
			faultHeader: {strconv.FormatInt(by.Fault, 10)}, "Date": {time.Now().UTC().Format(http.TimeFormat)},
		},
		Body: io.NopCloser(strings.NewReader(body)),
	}
	if r.Method == http.MethodHead {
		answer.Body = http.NoBody
	}
	return answer
}
