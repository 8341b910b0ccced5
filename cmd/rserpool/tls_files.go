// SPDX-License-Identifier: Apache-2.0

package main

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/spf13/pflag"

	"github.com/rserpool/rserpool/asap"
	"github.com/rserpool/rserpool/registrar"
)

// tlsFlags are those of the registrar that are about ASAP over TLS.
type tlsFlags struct {
	port, cert, key, clientCA string

	now     *tls.Config                // what the files have
	current atomic.Pointer[tls.Config] // what connections get
}

func (f *tlsFlags) add(fl *pflag.FlagSet) {
	fl.StringVar(&f.port, "tls-port", strconv.Itoa(asap.PortTLS), "TCP `port` for ASAP over TLS with pool users, if there is a certificate; or any")
	fl.StringVar(&f.cert, "tls-cert", "", "PEM `file` with the certificate of the registrar, for its addresses, and those between it and its authority (default: no TLS)")
	fl.StringVar(&f.key, "tls-key", "", "PEM `file` with the key of the certificate")
	fl.StringVar(&f.clientCA, "tls-client-ca", "", "PEM `file` with the authorities of pool users' certificates, which they must have then (default: they need none)")
}

// parse reads the files.
func (f *tlsFlags) parse(c *registrar.Config) error {
	if f.cert == "" {
		switch {
		case f.key != "":
			return errors.New("--tls-key: there is no --tls-cert")
		case f.clientCA != "":
			return errors.New("--tls-client-ca: there is no --tls-cert")
		}
		return nil
	}
	c.TLSPort = -1
	if f.port != "any" {
		n, err := strconv.ParseUint(f.port, 10, 16)
		if err != nil || n == 0 {
			return fmt.Errorf("--tls-port: %q is not a port or any", f.port)
		}
		c.TLSPort = int(n)
	}
	cert, err := loadCertificate(f.cert, f.key)
	if err != nil {
		return err
	}
	f.now = &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12, SessionTicketsDisabled: true}
	if f.clientCA != "" {
		if f.now.ClientCAs, err = loadAuthorities("--tls-client-ca", f.clientCA); err != nil {
			return err
		}
		f.now.ClientAuth = tls.RequireAndVerifyClientCert
	}
	f.current.Store(f.now)
	c.TLS = &tls.Config{MinVersion: tls.VersionTLS12, GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) { return f.current.Load(), nil }}
	return nil
}

// expiry is when the certificate is of no use any more; zero if there is none.
func (f *tlsFlags) expiry() time.Time {
	if f.now == nil {
		return time.Time{}
	}
	return f.now.Certificates[0].Leaf.NotAfter
}

func loadCertificate(cert, key string) (tls.Certificate, error) {
	if key == "" {
		return tls.Certificate{}, errors.New("--tls-cert: there is no --tls-key")
	}
	c, err := tls.LoadX509KeyPair(cert, key)
	if err != nil {
		return c, fmt.Errorf("--tls-cert: %w", err)
	}
	return c, nil
}

func loadAuthorities(flag, name string) (*x509.CertPool, error) {
	b, err := os.ReadFile(name)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", flag, err)
	}
	p := x509.NewCertPool()
	if !p.AppendCertsFromPEM(b) {
		return nil, fmt.Errorf("%s: %s has no certificate in PEM", flag, name)
	}
	return p, nil
}

// tlsClientFlags are those of pool users for registrars that are reached by TLS.
type tlsClientFlags struct{ ca, cert, key, name string }

func (f *tlsClientFlags) add(fl *pflag.FlagSet) {
	fl.StringVar(&f.ca, "tls-ca", "", "PEM `file` with the authorities of the certificates of tls:// registrars (default: those of the host)")
	fl.StringVar(&f.name, "tls-server-name", "", "`name` that the certificates of tls:// registrars are for (default: their addresses)")
	fl.StringVar(&f.cert, "tls-cert", "", "PEM `file` with a certificate for tls:// registrars that want one")
	fl.StringVar(&f.key, "tls-key", "", "PEM `file` with the key of the certificate")
}

// config reads the files.
func (f *tlsClientFlags) config() (*tls.Config, error) {
	c := &tls.Config{ServerName: f.name, MinVersion: tls.VersionTLS12}
	var err error
	if f.ca != "" {
		if c.RootCAs, err = loadAuthorities("--tls-ca", f.ca); err != nil {
			return nil, err
		}
	}
	switch {
	case f.cert != "":
		cert, err := loadCertificate(f.cert, f.key)
		if err != nil {
			return nil, err
		}
		c.Certificates = []tls.Certificate{cert}
	case f.key != "":
		return nil, errors.New("--tls-key: there is no --tls-cert")
	}
	return c, nil
}
