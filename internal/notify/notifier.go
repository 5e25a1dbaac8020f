package notify

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/stranglerfig/strangler/internal/rollout"
)

const (
	lookEvery = time.Second     // how often the history is looked at
	storeFor  = 5 * time.Second // one read or write of the store
)

// Result is what became of an attempt to deliver, for metrics.
type Result string

// The results.
const (
	Delivered Result = "delivered"
	Failed    Result = "failed"   // it is tried again
	GivenUp   Result = "given_up" // it is not
)

// ErrUnknown says that no webhook of this name is defined.
var ErrUnknown = errors.New("unknown webhook")

// Options are what a Notifier works with.
type Options struct {
	History History
	Places  Places
	Known   func() Subscriptions // asked often; it must not wait
	// LinkURL is where people look at a route, {route} standing for its name.
	// Empty: messages bear no links.
	LinkURL string
	Roots   *x509.CertPool                      // whom receivers' certificates are from; nil: the system's
	Count   func(webhook string, result Result) // it must not wait; nil: nobody counts
	Logger  *slog.Logger
}

// Notifier tells webhooks what happened.
type Notifier struct {
	Options
	transport *http.Transport
}

// New returns a notifier. It sends nothing before Run or Test is called.
func New(options Options) *Notifier {
	return &Notifier{Options: options, transport: newTransport(options.Roots)}
}

// Run delivers until ctx ends, for as long as lead says that this router is the
// one to do so, and by which fence. It may be called once.
func (n *Notifier) Run(ctx context.Context, lead func() (rollout.Fence, bool)) {
	look := time.NewTicker(lookEvery)
	defer look.Stop()
	var present *term
	defer func() { present.end() }()
	for {
		fence, leads := lead()
		if present != nil && (!leads || present.fence != fence) {
			present.end()
			present = nil
		}
		if leads && present == nil {
			present = n.begin(ctx, fence)
		}
		if present != nil {
			present.look()
		}
		select {
		case <-ctx.Done():
			return
		case <-look.C:
		}
	}
}

// Test posts a message that says that it is a test, once. It tells what came of
// it, and does not touch the webhook's place. The error matches ErrUnknown, or
// says in words why it did not arrive.
func (n *Notifier) Test(ctx context.Context, webhook string) (Delivery, error) {
	target, defined := n.Known().target(webhook)
	if !defined {
		return Delivery{}, fmt.Errorf("%w %q: nothing was sent; define it under webhooks: and apply", ErrUnknown, webhook)
	}
	return n.post(ctx, target, testMessage(time.Now()))
}
