// SPDX-License-Identifier: Apache-2.0

// Package certtest makes certificates for tests.
//
// # Limitations
//
// It is for tests only: it panics where something cannot be made, and there is nothing between an authority and what it
// signs.
package certtest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"
)

// A CA signs certificates.
type CA struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

// A Template is what a certificate says.
type Template struct {
	IPs   []string // iPAddress in its subjectAltName
	Names []string // dNSName
	// Expired: its time is over.
	Expired bool
}

// New returns a certificate authority of its own. Like all here, it panics if that cannot be.
func New() *CA {
	ca := &CA{}
	ca.cert, ca.key = ca.sign(&x509.Certificate{IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}, false)
	return ca
}

func (ca *CA) sign(c *x509.Certificate, expired bool) (*x509.Certificate, *ecdsa.PrivateKey) {
	key := must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	now := time.Now()
	c.SerialNumber = must(rand.Int(rand.Reader, big.NewInt(1<<62)))
	c.Subject = pkix.Name{CommonName: "test"}
	// In a bubble of virtual time, now is the year 2000.
	c.NotBefore, c.NotAfter = now.Add(-2*time.Hour), now.Add(240*time.Hour)
	if expired {
		c.NotAfter = now.Add(-time.Hour)
	}
	parent, signer := c, key
	if ca.cert != nil {
		parent, signer = ca.cert, ca.key
	}
	der := must(x509.CreateCertificate(rand.Reader, c, parent, key.Public(), signer))
	return must(x509.ParseCertificate(der)), key
}

// Issue returns a certificate for servers and clients.
func (ca *CA) Issue(t Template) tls.Certificate {
	c := &x509.Certificate{
		KeyUsage:    x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
		DNSNames:    t.Names,
	}
	for _, ip := range t.IPs {
		c.IPAddresses = append(c.IPAddresses, net.ParseIP(ip))
	}
	leaf, key := ca.sign(c, t.Expired)
	return tls.Certificate{Certificate: [][]byte{leaf.Raw}, PrivateKey: key, Leaf: leaf}
}

// Pool has the certificate of the authority.
func (ca *CA) Pool() *x509.CertPool {
	p := x509.NewCertPool()
	p.AddCert(ca.cert)
	return p
}

// Write writes the certificate of the authority to a file in dir, and returns its name.
func (ca *CA) Write(dir, name string) string { return write(dir, name, "CERTIFICATE", ca.cert.Raw) }

// WriteCertificate writes a certificate and its key to files in dir, and returns their names.
func WriteCertificate(dir, name string, c tls.Certificate) (cert, key string) {
	return write(dir, name+".pem", "CERTIFICATE", c.Certificate[0]),
		write(dir, name+".key", "PRIVATE KEY", must(x509.MarshalPKCS8PrivateKey(c.PrivateKey)))
}

func write(dir, name, kind string, der []byte) string {
	name = filepath.Join(dir, name)
	if err := os.WriteFile(name, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
		panic(err)
	}
	return name
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}
