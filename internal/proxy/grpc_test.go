package proxy_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/stranglerfig/strangler/internal/guard"
	"github.com/stranglerfig/strangler/internal/proxy"
)

// bytesCodec sends byte slices as they are: the router never looks into messages.
type bytesCodec struct{}

func (bytesCodec) Name() string                  { return "bytes" }
func (bytesCodec) Marshal(v any) ([]byte, error) { return *v.(*[]byte), nil }
func (bytesCodec) Unmarshal(data []byte, v any) error {
	*v.(*[]byte) = append([]byte(nil), data...)
	return nil
}

// grpcService answers every method by its name.
func grpcService(_ any, stream grpc.ServerStream) error {
	method, _ := grpc.MethodFromServerStream(stream)
	stream.SetTrailer(metadata.Pairs("x-trailer", "behind"))
	switch name := strings.TrimPrefix(method, "/test.Service/"); name {
	case "Echo", "Both": // one message, or as many as come, each answered at once
		for {
			var message []byte
			if err := stream.RecvMsg(&message); err != nil {
				return ignoreEnd(err)
			}
			if err := stream.SendMsg(&message); err != nil {
				return err
			}
		}
	case "Upload":
		var all []byte
		for {
			var message []byte
			if err := stream.RecvMsg(&message); err != nil {
				if err := ignoreEnd(err); err != nil {
					return err
				}
				return stream.SendMsg(&all)
			}
			all = append(all, message...)
		}
	case "Download":
		for i := range 3 {
			message := fmt.Appendf(nil, "%d", i)
			if err := stream.SendMsg(&message); err != nil {
				return err
			}
		}
		return status.Error(codes.Unavailable, "gone % after 3")
	case "Wait":
		<-stream.Context().Done()
		return status.FromContextError(stream.Context().Err()).Err()
	default: // a status: nothing but trailers
		var code codes.Code
		_, _ = fmt.Sscanf(name, "Status%d", &code)
		return status.Error(code, "as asked")
	}
}

func ignoreEnd(err error) error {
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}

// grpcServer serves grpcService; pair nil: in plain text.
func grpcServer(t *testing.T, pair *tls.Certificate) (addr string) {
	t.Helper()
	options := []grpc.ServerOption{grpc.ForceServerCodec(bytesCodec{}), grpc.UnknownServiceHandler(grpcService)}
	if pair != nil {
		options = append(options, grpc.Creds(credentials.NewServerTLSFromCert(pair)))
	}
	s := grpc.NewServer(options...)
	ln := listen(t)
	go func() { _ = s.Serve(ln) }()
	t.Cleanup(s.Stop)
	return ln.Addr().String()
}

// grpcPair is a certificate for loopback.
func grpcPair(t *testing.T) (pair *tls.Certificate, ca []byte) {
	t.Helper()
	cert, key := selfSigned(t, &x509.Certificate{IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}})
	loaded, err := tls.X509KeyPair(cert, key)
	if err != nil {
		t.Fatal(err)
	}
	return &loaded, cert
}

// grpcRoute is a router in front of a gRPC server, and a client of the router.
type grpcRoute struct {
	*router
	client *grpc.ClientConn
}

func startGRPC(t *testing.T, secure bool, opts ...option) grpcRoute {
	t.Helper()
	transport := insecure.NewCredentials()
	var pair *tls.Certificate
	if secure {
		var ca []byte
		pair, ca = grpcPair(t)
		roots := x509.NewCertPool()
		roots.AppendCertsFromPEM(ca)
		transport = credentials.NewClientTLSFromCert(roots, "")
		opts = append(opts, func(s *settings) {
			s.tls = &tls.Config{Certificates: []tls.Certificate{*pair}, MinVersion: tls.VersionTLS12}
		})
		r := start(t, nil, opts...)
		r.backends["legacy"] = proxy.Backend{
			Endpoints: []string{"https://" + grpcServer(t, pair)}, Protocol: proxy.H2, TLS: proxy.BackendTLS{CA: string(ca)},
		}
		return dialGRPC(t, r, transport)
	}
	r := start(t, nil, opts...)
	r.backends["legacy"] = proxy.Backend{Endpoints: []string{"http://" + grpcServer(t, nil)}, Protocol: proxy.H2C}
	return dialGRPC(t, r, transport)
}

func dialGRPC(t *testing.T, r *router, transport credentials.TransportCredentials) grpcRoute {
	t.Helper()
	r.install(1, legacyOnly())
	client, err := grpc.NewClient("passthrough:///"+r.addr, grpc.WithTransportCredentials(transport),
		grpc.WithDefaultCallOptions(grpc.ForceCodec(bytesCodec{})))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close() })
	return grpcRoute{r, client}
}

// stream opens a call that a test must not wait for longer than this.
func (r grpcRoute) stream(method string) grpc.ClientStream {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	r.t.Cleanup(cancel)
	s, err := r.client.NewStream(ctx, &grpc.StreamDesc{ServerStreams: true, ClientStreams: true}, "/test.Service/"+method)
	if err != nil {
		r.t.Fatal(err)
	}
	return s
}

func receive(t *testing.T, s grpc.ClientStream) string {
	t.Helper()
	var message []byte
	if err := s.RecvMsg(&message); err != nil {
		t.Fatal(err)
	}
	return string(message)
}

func TestGRPC(t *testing.T) {
	for name, secure := range map[string]bool{"plain text": false, "TLS": true} {
		t.Run(name, func(t *testing.T) {
			r := startGRPC(t, secure)
			t.Run("unary", func(t *testing.T) { unary(t, r) })
			t.Run("both ways", func(t *testing.T) { bothWays(t, r) })
			t.Run("upload", func(t *testing.T) { upload(t, r) })
			t.Run("download", func(t *testing.T) { download(t, r) })
		})
	}
}

func unary(t *testing.T, r grpcRoute) {
	question := []byte(strings.Repeat("long ", 20_000))
	var answer []byte
	var trailer metadata.MD
	if err := r.client.Invoke(t.Context(), "/test.Service/Echo", &question, &answer, grpc.Trailer(&trailer)); err != nil {
		t.Fatal(err)
	}
	if string(answer) != string(question) || len(trailer["x-trailer"]) != 1 || trailer["x-trailer"][0] != "behind" {
		t.Errorf("%d bytes, trailers %v", len(answer), trailer)
	}
}

// bothWays sends each message only when the answer to the last one is there:
// nothing on the way may wait for more.
func bothWays(t *testing.T, r grpcRoute) {
	s := r.stream("Both")
	for i := range 5 {
		message := fmt.Appendf(nil, "message %d", i)
		if err := s.SendMsg(&message); err != nil {
			t.Fatal(err)
		}
		if got := receive(t, s); got != string(message) {
			t.Errorf("got %q", got)
		}
	}
	_ = s.CloseSend()
	if err := s.RecvMsg(new([]byte)); !errors.Is(err, io.EOF) {
		t.Errorf("ended with %v", err)
	}
}

func upload(t *testing.T, r grpcRoute) {
	s := r.stream("Upload")
	for _, part := range []string{"a", "b", "c"} {
		message := []byte(part)
		if err := s.SendMsg(&message); err != nil {
			t.Fatal(err)
		}
	}
	_ = s.CloseSend()
	if got := receive(t, s); got != "abc" {
		t.Errorf("got %q", got)
	}
}

// download ends with a status while the client could still send.
func download(t *testing.T, r grpcRoute) {
	s := r.stream("Download")
	for i := range 3 {
		if got := receive(t, s); got != fmt.Sprint(i) {
			t.Errorf("got %q", got)
		}
	}
	err := s.RecvMsg(new([]byte))
	if status.Code(err) != codes.Unavailable || status.Convert(err).Message() != "gone % after 3" || s.Trailer()["x-trailer"][0] != "behind" {
		t.Errorf("%v, trailers %v", err, s.Trailer())
	}
}

// TestGRPCStatusClasses: the HTTP status is always 200; grpc-status says whether
// the backend failed, also where an answer is nothing but trailers.
func TestGRPCStatusClasses(t *testing.T) {
	r := startGRPC(t, false)
	failures := map[codes.Code]bool{
		codes.DeadlineExceeded: true, codes.ResourceExhausted: true, codes.Internal: true, codes.Unavailable: true,
	}
	for code := codes.Canceled; code <= codes.Unauthenticated; code++ {
		message := []byte{}
		err := r.client.Invoke(t.Context(), fmt.Sprintf("/test.Service/Status%d", code), &message, &message)
		if status.Code(err) != code || status.Convert(err).Message() != "as asked" {
			t.Errorf("%v became %v", code, err)
		}
		entries := r.log.entries(t, int(code))
		want := guard.OK
		if failures[code] {
			want = guard.Failure
		}
		entry := entries[len(entries)-1]
		if entry["strangler.class"] != want.String() || entry["http.response.status_code"] != 200.0 {
			t.Errorf("%v: class %v, status %v", code, entry["strangler.class"], entry["http.response.status_code"])
		}
	}
	download(t, r)
	entries := r.log.entries(t, 17)
	if class := entries[16]["strangler.class"]; class != "failure" {
		t.Errorf("status 14 after messages has class %v", class)
	}
}

// TestGRPCProblems: what the router itself answers reaches gRPC's clients as a status.
func TestGRPCProblems(t *testing.T) {
	r := startGRPC(t, false)
	message := []byte{}
	call := func() error { return r.client.Invoke(t.Context(), "/test.Service/Echo", &message, &message) }
	r.backends["legacy"] = proxy.Backend{Endpoints: []string{"http://127.0.0.1:1"}, Protocol: proxy.H2C}
	r.install(2, legacyOnly())
	if err := call(); status.Code(err) != codes.Unavailable || !strings.Contains(err.Error(), "upstream_unreachable") {
		t.Errorf("a backend that is not there: %v", err)
	}
	r.install(3)
	if err := call(); status.Code(err) != codes.Unimplemented || !strings.Contains(err.Error(), "no_route") {
		t.Errorf("no route: %v", err)
	}
}

// TestGRPCCancelReachesTheBackend: who leaves is not waited for, and nobody is blamed.
func TestGRPCCancelReachesTheBackend(t *testing.T) {
	r := startGRPC(t, false)
	ctx, cancel := context.WithCancel(t.Context())
	s, err := r.client.NewStream(ctx, &grpc.StreamDesc{ServerStreams: true, ClientStreams: true}, "/test.Service/Both")
	if err != nil {
		t.Fatal(err)
	}
	message := []byte("hello")
	_ = s.SendMsg(&message)
	receive(t, s)
	cancel()
	if entry := r.log.entries(t, 1)[0]; entry["strangler.class"] != "client_gone" {
		t.Errorf("logged %v", entry)
	}
}
