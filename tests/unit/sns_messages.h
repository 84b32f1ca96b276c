/* sns_messages.h - certificates and signatures in the form of Amazon SNS.
 *
 * Made with Python's cryptography from RSA_KEY_PKCS1 of rsa_keys.h, which
 * guards nothing. The certificates are valid in 2026.
 */
#ifndef TESTS_SNS_MESSAGES_H
#define TESTS_SNS_MESSAGES_H

/* Common name sns.amazonaws.com */
#define SNS_CERTIFICATE                                                  \
    "-----BEGIN CERTIFICATE-----\n"                                      \
    "MIICsTCCAZmgAwIBAgIBBzANBgkqhkiG9w0BAQsFADAcMRowGAYDVQQDDBFzbnMu\n" \
    "YW1hem9uYXdzLmNvbTAeFw0yNjAxMDEwMDAwMDBaFw0yNzAxMDEwMDAwMDBaMBwx\n" \
    "GjAYBgNVBAMMEXNucy5hbWF6b25hd3MuY29tMIIBIjANBgkqhkiG9w0BAQEFAAOC\n" \
    "AQ8AMIIBCgKCAQEAlNxO9IMDJJfkfnzqK5mC9dCXaE6e3QfiGB5gaThjPNgnJ5Y7\n" \
    "ump9Ox7PlUsAPuWmPTCbKNsvYjK8e1qR3XVLO3eVa417Cy9NscfJYLczynVEhIwg\n" \
    "t0MFTPpSonc1u8VdUhRtZDfyDpU9QQEDhqtubocgTkn2FFTyfR7sDOoQg8+9QyD7\n" \
    "8qHk5g4sUWmT4KFc/QlTk6oxxTxhJX0eblGOzu6gF60FVZa0YY3Ab54sP4WWZq9M\n" \
    "xTyjq+CG+KdhiFwCUc1r9bb11rpvCaRCKtPHzPbs6EaGFN3ROf9Wui6vzwOZc1Yw\n" \
    "KzTl1ZnE0LwUoeUdXsUBouFcUlfPvHvB5NofkwIDAQABMA0GCSqGSIb3DQEBCwUA\n" \
    "A4IBAQAkD8INd9tqiBV0J3KRCGzqOgNJ9PgTFeCdTRRZFGlUrwvyMmLvLvwivfw2\n" \
    "5lZdozHAjCUoYRTwZfeid4Tpv+/u2paPF4GOQCjxGprpQ2TX4wms+B5mLyLgOR9L\n" \
    "oCqtLeOF1/X+ifuXD/SJG640tedCLrIwF9yPv8fqOyuyJeus/DIuVHkHmBdm6KWr\n" \
    "+XNr6julgHma1SL1Wy+gysIZVo3rahRwcii++1SsMT2WQpl3jJZ1wfMUmSshJwMs\n" \
    "zijmuDYtANZBHjAUNIVLCKhK7u1TQYZvosOJGpqIYj6J7Pvm0lbaAmEaM4bM+ovt\n" \
    "iT0a7faVR/uc1SKa3hyaA5hiGxFg\n"                                     \
    "-----END CERTIFICATE-----\n"

/* DNS names sns-signing.af-south-1… and sns.af-south-1.amazonaws.com */
#define SNS_CERTIFICATE_AFRICA                                           \
    "-----BEGIN CERTIFICATE-----\n"                                      \
    "MIIC8jCCAdqgAwIBAgIBBzANBgkqhkiG9w0BAQsFADATMREwDwYDVQQDDAh3aGF0\n" \
    "ZXZlcjAeFw0yNjAxMDEwMDAwMDBaFw0yNzAxMDEwMDAwMDBaMBMxETAPBgNVBAMM\n" \
    "CHdoYXRldmVyMIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAlNxO9IMD\n" \
    "JJfkfnzqK5mC9dCXaE6e3QfiGB5gaThjPNgnJ5Y7ump9Ox7PlUsAPuWmPTCbKNsv\n" \
    "YjK8e1qR3XVLO3eVa417Cy9NscfJYLczynVEhIwgt0MFTPpSonc1u8VdUhRtZDfy\n" \
    "DpU9QQEDhqtubocgTkn2FFTyfR7sDOoQg8+9QyD78qHk5g4sUWmT4KFc/QlTk6ox\n" \
    "xTxhJX0eblGOzu6gF60FVZa0YY3Ab54sP4WWZq9MxTyjq+CG+KdhiFwCUc1r9bb1\n" \
    "1rpvCaRCKtPHzPbs6EaGFN3ROf9Wui6vzwOZc1YwKzTl1ZnE0LwUoeUdXsUBouFc\n" \
    "UlfPvHvB5NofkwIDAQABo1EwTzBNBgNVHREERjBEgiRzbnMtc2lnbmluZy5hZi1z\n" \
    "b3V0aC0xLmFtYXpvbmF3cy5jb22CHHNucy5hZi1zb3V0aC0xLmFtYXpvbmF3cy5j\n" \
    "b20wDQYJKoZIhvcNAQELBQADggEBAHS2dzo1zV7vLA0Tdw+ZkiVnmn/PfWAFCCo9\n" \
    "/G4svThlv/c0/I8jGQgm5z854Ytxwc6ARrNLytfylAWoXXQIAMjfEFWe6aRH3h77\n" \
    "dmNokPf/PpTSUFBoi56jYQxb52BVrYbbFvTWKYbZtwEeMvJS3jORSUdWmpNKK0UB\n" \
    "4sfkcXD6LlZdoR4o8uoNuDffjboVKQk8stronc3Tt4mNEdlM4O5SItvQgS5FM90h\n" \
    "k8nS7hcuQHXvmUBAD6qAeexdNnDDk8sFsD6rk2WUjVg9Bx1Pq7hJghxeuL4vgMtn\n" \
    "90PmC0pzS344x9ECG2WUdMQZyH/C0swQq5Tn0VzOzHXWT1w9c60=\n"             \
    "-----END CERTIFICATE-----\n"

/* Common name sns.amazonaws.com, DNS name sns.example.com */
#define SNS_CERTIFICATE_OTHER                                            \
    "-----BEGIN CERTIFICATE-----\n"                                      \
    "MIIC0TCCAbmgAwIBAgIBBzANBgkqhkiG9w0BAQsFADAcMRowGAYDVQQDDBFzbnMu\n" \
    "YW1hem9uYXdzLmNvbTAeFw0yNjAxMDEwMDAwMDBaFw0yNzAxMDEwMDAwMDBaMBwx\n" \
    "GjAYBgNVBAMMEXNucy5hbWF6b25hd3MuY29tMIIBIjANBgkqhkiG9w0BAQEFAAOC\n" \
    "AQ8AMIIBCgKCAQEAlNxO9IMDJJfkfnzqK5mC9dCXaE6e3QfiGB5gaThjPNgnJ5Y7\n" \
    "ump9Ox7PlUsAPuWmPTCbKNsvYjK8e1qR3XVLO3eVa417Cy9NscfJYLczynVEhIwg\n" \
    "t0MFTPpSonc1u8VdUhRtZDfyDpU9QQEDhqtubocgTkn2FFTyfR7sDOoQg8+9QyD7\n" \
    "8qHk5g4sUWmT4KFc/QlTk6oxxTxhJX0eblGOzu6gF60FVZa0YY3Ab54sP4WWZq9M\n" \
    "xTyjq+CG+KdhiFwCUc1r9bb11rpvCaRCKtPHzPbs6EaGFN3ROf9Wui6vzwOZc1Yw\n" \
    "KzTl1ZnE0LwUoeUdXsUBouFcUlfPvHvB5NofkwIDAQABox4wHDAaBgNVHREEEzAR\n" \
    "gg9zbnMuZXhhbXBsZS5jb20wDQYJKoZIhvcNAQELBQADggEBAGa3bjuEgFTbu5JC\n" \
    "txZYTXDlP9IljXoeHEDmL97h4TXAcGoa56NU2MSyFf48BqQj+rxl8ekIktZzlnm/\n" \
    "SeqBpagYqRYGVnhL57yzE4mpKBNLFGfY8IRWQLqhbkvjbiaSvTocJ92CMAxtY2KE\n" \
    "AbzF2GacIdYjGBPtNLci2fqgSw5tU62XNty+prDJKlJAd5KlpHIhIOkp60zfxc/+\n" \
    "j7eS7EsNadYnyOSm4RntPgtZ3KxDbxaIkECpoWx7WXVnQXPC0ZiLPNxnKPKSXzq3\n" \
    "Qd1ONPCkaf9V7QeZUdn0mH3Pwt452CWuxRs/crYIL2c8nvIhtw3zadlrvNZac/WY\n" \
    "3bnf3Vw=\n"                                                         \
    "-----END CERTIFICATE-----\n"

/* DNS name *.amazonaws.com */
#define SNS_CERTIFICATE_WILD                                             \
    "-----BEGIN CERTIFICATE-----\n"                                      \
    "MIICvzCCAaegAwIBAgIBBzANBgkqhkiG9w0BAQsFADATMREwDwYDVQQDDAh3aGF0\n" \
    "ZXZlcjAeFw0yNjAxMDEwMDAwMDBaFw0yNzAxMDEwMDAwMDBaMBMxETAPBgNVBAMM\n" \
    "CHdoYXRldmVyMIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAlNxO9IMD\n" \
    "JJfkfnzqK5mC9dCXaE6e3QfiGB5gaThjPNgnJ5Y7ump9Ox7PlUsAPuWmPTCbKNsv\n" \
    "YjK8e1qR3XVLO3eVa417Cy9NscfJYLczynVEhIwgt0MFTPpSonc1u8VdUhRtZDfy\n" \
    "DpU9QQEDhqtubocgTkn2FFTyfR7sDOoQg8+9QyD78qHk5g4sUWmT4KFc/QlTk6ox\n" \
    "xTxhJX0eblGOzu6gF60FVZa0YY3Ab54sP4WWZq9MxTyjq+CG+KdhiFwCUc1r9bb1\n" \
    "1rpvCaRCKtPHzPbs6EaGFN3ROf9Wui6vzwOZc1YwKzTl1ZnE0LwUoeUdXsUBouFc\n" \
    "UlfPvHvB5NofkwIDAQABox4wHDAaBgNVHREEEzARgg8qLmFtYXpvbmF3cy5jb20w\n" \
    "DQYJKoZIhvcNAQELBQADggEBABbx6KGAjvf/z1bNd7upodur9iB/h54Ql8UlmVtJ\n" \
    "kFEY1LTH2RPVYNWRy8gRRb0sp1tw2ZTgfP2PVugEoD2giJdftXvjrVMyaex1IHh8\n" \
    "AYPenLg1VvZjwY76Spniqmfr8dZ9AvjxWO9mRGc3rfgjaHoKwF44bU983djeY7X2\n" \
    "CKs6hbVtU1d2CvcamL89vFwy5bwe/QnzGQjmrCjeAzxdcHQrEoLuzDykwFrcMkxe\n" \
    "TQqmAU+rE/K1wVZrbWUSJf+qJ8UxBVZwKZ8NLI6MMX1H6lC03JlWeMMZ3Ax4qt/R\n" \
    "QMt/sXto79uGOAellg2Er7+yHAfSpv6UmRcIi/WujXR3DRg=\n"                 \
    "-----END CERTIFICATE-----\n"

/* 1024 bits */
#define SNS_CERTIFICATE_SHORT_KEY                                        \
    "-----BEGIN CERTIFICATE-----\n"                                      \
    "MIIBrDCCARWgAwIBAgIBBzANBgkqhkiG9w0BAQsFADAcMRowGAYDVQQDDBFzbnMu\n" \
    "YW1hem9uYXdzLmNvbTAeFw0yNjAxMDEwMDAwMDBaFw0yNzAxMDEwMDAwMDBaMBwx\n" \
    "GjAYBgNVBAMMEXNucy5hbWF6b25hd3MuY29tMIGfMA0GCSqGSIb3DQEBAQUAA4GN\n" \
    "ADCBiQKBgQDFPDN1488s6+t36PsPdwZdub07csM2Nk/yt4rvi6eRm2TKKmxyRUYS\n" \
    "L9hefGl6stAU0MSkNeJZLiTkoBWBbnoPnR4ZfZc+4BIukDw67ffb4OrUlz/FRD2b\n" \
    "ZI2PhSQkaN6Z0G4eXe4H3BRbuuX0B6y9+Z0w6MHHAT9xB27J5N2ndQIDAQABMA0G\n" \
    "CSqGSIb3DQEBCwUAA4GBAG5YDtCpLKQPnn5YEjLRhlgYTFeWGzaGE5aK7H9oVzkf\n" \
    "Rtkb3AznIoIq+LOgrfetLCEcyUnnHys1AFSWOkLAdrn17wxY9XkUiPvuAwYllh1x\n" \
    "vC7KzJ5LT6NjwA3filmWf9Tb7HTZKOrwzz9JdtDBQSPDrpcTr2OwXTztTRkWBo+7\n" \
    "-----END CERTIFICATE-----\n"

#define SNS_SIGNATURE_SHA1                                         \
    "A+ryhVawJQIt1u5W+tRja1DENdeFCkOy18pBNJjnPDOuuczOVbCY/gUPyruH" \
    "yOVDgqvJdbRm8EizfmxMTO7mnmJHyKwQ4FqTE6qu+OewNL/29aaT1pw63w6K" \
    "cY8Bd3IJb7dN9iks+7ZzBSz/nL8/4N0VK5lYg5tmQ5pD3Wt7AS2zGYXFc/xc" \
    "V1wx2Q4Tu+qOlIJLfWVG/VPqvI9T0CF+TGAwbv4Grz2ClTdNkvvnzef/aqOj" \
    "q+aehV7OwRVAjPfmaosXWO+NRFsoADs64vEcCJmpP+s75nmx1YkLdZ2DLd9P" \
    "rt1ukM4doyAoled/68vUvd6kUy5xTXQvNYwgeThYIw=="

#define SNS_SIGNATURE_SHA256                                       \
    "C1JQIbj4v52wVakMOoDw7e3rVDtXtWQONreHQUt7hUMOKcouD9htOmOj9n20" \
    "OMjlXJQP6SZrfLkNssQZevFGS5Pc+FCl9IakTVA96Hmu73tJ/6o4I9LPTGAY" \
    "tn9s7y79PXLcPs5gK1iSUWFX1+P+qnGaUYZtBuTWj00KHIuFixD8Sn+9oQln" \
    "KxhcakDCAa/EN4jEI/EXu5virMHzzfYQbis5aYnNFDIiNx8f08LDtJJ3948D" \
    "uVkZ8n8mjjVASO22IGx/5e/dkFkj0WIia3WTwWulMkOh82nZ/ydED2u0hAxb" \
    "5EudxhsUqjW8QpxKjNEfgq+H5ekG++JjcY9hx3o74g=="

#define SNS_SIGNATURE_SUBJECT                                      \
    "QXyvLyRhWJLPIewB/W1lt2OWtBaKmQfHv4iob21YO4fNe02RG92NaKnp0o0e" \
    "AewPtkGA4w71apXFI9f57GMjNCBkiag1wySP2Oa2BgoG2LxAv0npbZHAJbKf" \
    "OX+tsWAPJAHCesEDLV7NTKOR/cfa+J1UxWgOsw/nF5xIGBDMiUVqBa6Ns/sV" \
    "Ha56ArC5ufKjHW9BVP+nA2CJI8D8ij0FmnFUfh+3APix4kFY5/KCqdjrSsS7" \
    "ZFaBpDxcFEgcxMXBE92zpsrG7UGbgVtTXdhbYTTRdMNENbkM2A5UtZYbDM1U" \
    "ZfF63HOdA78rBDQAiPmTJXawout3lkTgaxQGdLEe7g=="

#define SNS_SIGNATURE_SUBSCRIPTION                                 \
    "ACK+B/iKAUw/bCa4uAaKrqQ2nWGwZ+zhiNFYYC7PP0fi9Q+pVP7FMRhklnde" \
    "1HgvvZC7TqdlXRb/hAkjxBJ3X4Ebi0Fb+OHldXx/MSDpq+T0J8+I3sbt0ZS9" \
    "M0GmiHrGqM9hRIoMQVZu+jG2/xzaV6tmafZU3jFPSH6e13+MWEAP+cS3nuvD" \
    "1RKs4ytUg9E3I1iic7U0tK54zQQUKjoiQgG/vH2et+HyU0yduKV++y0GU6SS" \
    "ffdHRqcvepFpQiMCS112MPLveB5Gv8FqOWWukkn6anjLt1XLL9bXTJ5e+MLt" \
    "00Z7Vwjcnfjik0y+YQj+321XaGW2/S19PGMB6QNRyQ=="

#endif
