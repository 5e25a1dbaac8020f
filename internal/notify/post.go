package notify

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"syscall"
	"time"

	"github.com/stranglerfig/strangler/internal/guard"
)

// attemptFor bounds one attempt; Standard Webhooks recommends 15 to 30 seconds.
const attemptFor = 15 * time.Second

// Delivery is what came of one attempt.
type Delivery struct {
	Status int           // what the receiver answered; 0: nothing
	Took   time.Duration // from looking up its name to its answer
}

// refused is an answer that is no success.
type refused struct {
	status int
	after  time.Duration // what the receiver asked to wait; 0: it did not ask
}

func (r *refused) Error() string {
	switch {
	case r.status == http.StatusGone:
		return "the receiver answered 410 Gone: it wants nothing any more; give another URL, or remove the webhook"
	case r.status >= 300 && r.status < 400:
		return fmt.Sprintf("the receiver answered %d, and redirects are not followed: give the URL that it redirects to", r.status)
	default:
		return fmt.Sprintf("the receiver answered %d %s", r.status, http.StatusText(r.status))
	}
}

func isGone(err error) bool {
	r, is := errors.AsType[*refused](err)
	return is && r.status == http.StatusGone
}

func retryAfter(err error) time.Duration {
	r, is := errors.AsType[*refused](err)
	if !is {
		return 0
	}
	return r.after
}

// newTransport returns one that goes nowhere but where it is told to: through no
// proxy of the environment, and to no metadata service. It is used without a
// client, which would read where a redirect leads.
func newTransport(roots *x509.CertPool) *http.Transport {
	dialer := net.Dialer{ControlContext: checkDialled}
	return &http.Transport{
		DialContext:            dialer.DialContext,
		TLSClientConfig:        &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12},
		ForceAttemptHTTP2:      true,
		DisableCompression:     true,
		DisableKeepAlives:      true, // messages are rare
		MaxResponseHeaderBytes: 64 << 10,
	}
}

// checkDialled looks at the address that a name was resolved to.
func checkDialled(_ context.Context, _, address string, _ syscall.RawConn) error {
	resolved, err := netip.ParseAddrPort(address)
	if err != nil {
		return fmt.Errorf("dial address %q: %w", address, err)
	}
	return guard.CheckAddress(resolved.Addr())
}

// post makes one attempt. Its errors hold neither the address, whose path may be
// a secret, nor a secret.
func (n *Notifier) post(ctx context.Context, target Target, m message) (Delivery, error) {
	ctx, cancel := context.WithTimeout(ctx, attemptFor)
	defer cancel()
	request, err := newRequest(ctx, target, m)
	if err != nil {
		return Delivery{}, err
	}
	started := time.Now()
	answer, err := n.transport.RoundTrip(request)
	took := time.Since(started)
	if err != nil {
		return Delivery{Took: took}, unreached(err)
	}
	_ = answer.Body.Close() // nobody reads what it says
	delivery := Delivery{Status: answer.StatusCode, Took: took}
	if answer.StatusCode < 200 || answer.StatusCode > 299 {
		return delivery, &refused{answer.StatusCode, askedToWait(answer.Header.Get("Retry-After"), time.Now())}
	}
	return delivery, nil
}

func newRequest(ctx context.Context, target Target, m message) (*http.Request, error) {
	address, err := resolve(target.URL)
	if err != nil {
		return nil, fmt.Errorf("its URL: %w", err)
	}
	if parsed, err := url.Parse(address); err != nil || parsed.Host == "" || parsed.Scheme != "https" && parsed.Scheme != "http" {
		return nil, errors.New("its URL is none that can be asked: it starts with https:// and a host")
	}
	body, err := m.body(target)
	if err != nil {
		return nil, err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader(body))
	if err != nil {
		return nil, errors.New("its URL is none that can be asked")
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("User-Agent", "strangler")
	if user := request.URL.User; user != nil {
		password, _ := user.Password()
		request.SetBasicAuth(user.Username(), password)
	}
	if target.Format == Slack {
		return request, nil
	}
	keys, err := keys(target.Secret)
	if err != nil {
		return nil, err
	}
	sign(request.Header, keys, m.id, time.Now(), body)
	return request, nil
}

// mostError is how much of an error is said, in bytes. What does not speak HTTP is
// quoted in it.
const mostError = 500

// unreached is why there was no answer.
func unreached(err error) error {
	if errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("the receiver did not answer within %s", attemptFor)
	}
	return errors.New("the receiver was not reached: " + cut(err.Error(), mostError))
}

// askedToWait reads Retry-After: seconds, or a time.
func askedToWait(value string, now time.Time) time.Duration {
	if seconds, err := strconv.Atoi(value); err == nil {
		return time.Duration(max(0, min(seconds, int(mostRetryAfter.Seconds())))) * time.Second
	}
	if at, err := http.ParseTime(value); err == nil {
		return max(0, at.Sub(now))
	}
	return 0
}
