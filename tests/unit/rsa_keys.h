/* rsa_keys.h - private keys that were made for tests and guard nothing. */
#ifndef TESTS_RSA_KEYS_H
#define TESTS_RSA_KEYS_H

#define RSA_KEY_PKCS1                                                    \
    "-----BEGIN RSA PRIVATE KEY-----\n"                                  \
    "MIIEogIBAAKCAQEAlNxO9IMDJJfkfnzqK5mC9dCXaE6e3QfiGB5gaThjPNgnJ5Y7\n" \
    "ump9Ox7PlUsAPuWmPTCbKNsvYjK8e1qR3XVLO3eVa417Cy9NscfJYLczynVEhIwg\n" \
    "t0MFTPpSonc1u8VdUhRtZDfyDpU9QQEDhqtubocgTkn2FFTyfR7sDOoQg8+9QyD7\n" \
    "8qHk5g4sUWmT4KFc/QlTk6oxxTxhJX0eblGOzu6gF60FVZa0YY3Ab54sP4WWZq9M\n" \
    "xTyjq+CG+KdhiFwCUc1r9bb11rpvCaRCKtPHzPbs6EaGFN3ROf9Wui6vzwOZc1Yw\n" \
    "KzTl1ZnE0LwUoeUdXsUBouFcUlfPvHvB5NofkwIDAQABAoIBADToEiXEFI9ibsLn\n" \
    "6aBiWJG+N7nKS5saLKjOzwxGjrq2xj/DHOpV47lp63RPqkAwhcN0rYi5Uh9wEd4z\n" \
    "o+kWQY1apKALskIY51+6tp9prX4U7KvBU/VeXBluVIVKoi3g6Rh9ix2V5rF5KEKc\n" \
    "tiCceEzPONOqZMv4HxEKNvImFIWL+oPtVu7cYnCdJo79tgNCyW/xCmdp5z89GzkW\n" \
    "47lSCxHY/SKdDDiIJ/VivFFn+ewHIWxEbX8AqlBZ0n6tPFhqPVoIsbfA5lhdk3ZF\n" \
    "2Qi5a+k2v5GNOb+ykWhUDCjaRRAqYCCJ6C7vgy7Mlni8h8OpP4xC+3M6KqV3cWF1\n" \
    "x+yUnuECgYEAyyuH4D21/yg5tCVXX9kezrBqAgLODckct+kE7UdkH1+cAcWrfVbW\n" \
    "e6cw/xVkeRLTqv9FF76LfE8bwEiqJD0vxEvG4PWhlm+84Z4i0DkxKV2LGFYMaeOP\n" \
    "ZPyXfcKPO1nDIq0oG0D+0EYFlqdRhKh6Lf7azMBaIUs2JPULtYsGZOECgYEAu5GL\n" \
    "68TMq246pdCXxdC2dmtptTaUSY90gmjX0uTSOqdFIhHcypCPUZlxcs5dsNKSLG5s\n" \
    "Ta84lpULexJbzYcnRu2vrO3X21oh2dnFhJPoSB5bmuOPZl0qpaUuE0NJ8tAYhrNX\n" \
    "dYewVmnP20yzpnm+msvBQi/QNFgVDpeBcTa2HvMCgYBGUOiT6YfFqYxfFtVorOKG\n" \
    "snPeAk6CYup3lERKQv0aBqMd0eYKWTWeUj0Y67R8WtG7SuIE18O64D5AjGWmaS7R\n" \
    "B1DrpteoE0AR7gMqgcDMCj4LzCw7sbB9SRa9RcsAxY5NwBQzaolGWBWzEHGcMhsn\n" \
    "NB9R4fjPsRIqNE07JcSuwQKBgEFyKGMseMl8HaSLotlX2MJ6+hhLofQExP9Xu66P\n" \
    "PrdOc/XOS762L/ul0YrgbJps7qnoIYv9jn4kJSxdHIEbHl5GQtzQ5FdaHKOZs6xt\n" \
    "u0emqAnkSr3J1j6T4v6/pMa/Sz98xhBxNtr/8pGvMqPsqM/0Nkt0yW3qKfa8cGLj\n" \
    "Vyp3AoGAcp7/0qWtaPeJu4Xw34qVSTpqQa17U9lG2UPLQ2Q2WDPPcyZAR+oJfyXl\n" \
    "aKW2T/lBS5qppojQy8Uni+MFPH6mO3ALpKTmwtyK/JmDU7oHn7+8lHBVi7aWh3vT\n" \
    "xlUbHmVEzFQooIhB3A7slTiHvwGkYTEXbYhBxaeApm2jtKnVWHE=\n"             \
    "-----END RSA PRIVATE KEY-----\n"

#define RSA_KEY_PKCS8                                                    \
    "-----BEGIN PRIVATE KEY-----\n"                                      \
    "MIIEvAIBADANBgkqhkiG9w0BAQEFAASCBKYwggSiAgEAAoIBAQCU3E70gwMkl+R+\n" \
    "fOormYL10JdoTp7dB+IYHmBpOGM82Ccnlju6an07Hs+VSwA+5aY9MJso2y9iMrx7\n" \
    "WpHddUs7d5VrjXsLL02xx8lgtzPKdUSEjCC3QwVM+lKidzW7xV1SFG1kN/IOlT1B\n" \
    "AQOGq25uhyBOSfYUVPJ9HuwM6hCDz71DIPvyoeTmDixRaZPgoVz9CVOTqjHFPGEl\n" \
    "fR5uUY7O7qAXrQVVlrRhjcBvniw/hZZmr0zFPKOr4Ib4p2GIXAJRzWv1tvXWum8J\n" \
    "pEIq08fM9uzoRoYU3dE5/1a6Lq/PA5lzVjArNOXVmcTQvBSh5R1exQGi4VxSV8+8\n" \
    "e8Hk2h+TAgMBAAECggEANOgSJcQUj2JuwufpoGJYkb43ucpLmxosqM7PDEaOurbG\n" \
    "P8Mc6lXjuWnrdE+qQDCFw3StiLlSH3AR3jOj6RZBjVqkoAuyQhjnX7q2n2mtfhTs\n" \
    "q8FT9V5cGW5UhUqiLeDpGH2LHZXmsXkoQpy2IJx4TM8406pky/gfEQo28iYUhYv6\n" \
    "g+1W7txicJ0mjv22A0LJb/EKZ2nnPz0bORbjuVILEdj9Ip0MOIgn9WK8UWf57Ach\n" \
    "bERtfwCqUFnSfq08WGo9Wgixt8DmWF2TdkXZCLlr6Ta/kY05v7KRaFQMKNpFECpg\n" \
    "IInoLu+DLsyWeLyHw6k/jEL7czoqpXdxYXXH7JSe4QKBgQDLK4fgPbX/KDm0JVdf\n" \
    "2R7OsGoCAs4NyRy36QTtR2QfX5wBxat9VtZ7pzD/FWR5EtOq/0UXvot8TxvASKok\n" \
    "PS/ES8bg9aGWb7zhniLQOTEpXYsYVgxp449k/Jd9wo87WcMirSgbQP7QRgWWp1GE\n" \
    "qHot/trMwFohSzYk9Qu1iwZk4QKBgQC7kYvrxMyrbjql0JfF0LZ2a2m1NpRJj3SC\n" \
    "aNfS5NI6p0UiEdzKkI9RmXFyzl2w0pIsbmxNrziWlQt7ElvNhydG7a+s7dfbWiHZ\n" \
    "2cWEk+hIHlua449mXSqlpS4TQ0ny0BiGs1d1h7BWac/bTLOmeb6ay8FCL9A0WBUO\n" \
    "l4FxNrYe8wKBgEZQ6JPph8WpjF8W1Wis4oayc94CToJi6neUREpC/RoGox3R5gpZ\n" \
    "NZ5SPRjrtHxa0btK4gTXw7rgPkCMZaZpLtEHUOum16gTQBHuAyqBwMwKPgvMLDux\n" \
    "sH1JFr1FywDFjk3AFDNqiUZYFbMQcZwyGyc0H1Hh+M+xEio0TTslxK7BAoGAQXIo\n" \
    "Yyx4yXwdpIui2VfYwnr6GEuh9ATE/1e7ro8+t05z9c5LvrYv+6XRiuBsmmzuqegh\n" \
    "i/2OfiQlLF0cgRseXkZC3NDkV1oco5mzrG27R6aoCeRKvcnWPpPi/r+kxr9LP3zG\n" \
    "EHE22v/yka8yo+yoz/Q2S3TJbeop9rxwYuNXKncCgYBynv/Spa1o94m7hfDfipVJ\n" \
    "OmpBrXtT2UbZQ8tDZDZYM89zJkBH6gl/JeVopbZP+UFLmqmmiNDLxSeL4wU8fqY7\n" \
    "cAukpObC3Ir8mYNTugefv7yUcFWLtpaHe9PGVRseZUTMVCigiEHcDuyVOIe/AaRh\n" \
    "MRdtiEHFp4CmbaO0qdVYcQ==\n"                                         \
    "-----END PRIVATE KEY-----\n"

#define RSA_KEY_LOCKED                                                   \
    "-----BEGIN ENCRYPTED PRIVATE KEY-----\n"                            \
    "MIIFLTBXBgkqhkiG9w0BBQ0wSjApBgkqhkiG9w0BBQwwHAQIE8LFbcwpQFkCAggA\n" \
    "MAwGCCqGSIb3DQIJBQAwHQYJYIZIAWUDBAEqBBAJCYBKHdvSl+Fj7ajMWqLFBIIE\n" \
    "0A/h3Yi99s/qfSCDePhavrcSM1b/XRFGTXRje/jb8ejVByzOmUXWAQdwIXbWFdti\n" \
    "57wE48TlHN8Ds3bcguK3sIL1H4/BR1kpsQEm4SRjYAikMohvSm5cIvC5wAExwGEM\n" \
    "UCFdzVU33/KLYBtcIVJ/mU4y7akychdW0ENj+dgRGj5KW0JNnlTsHd5Iacpvd7Rz\n" \
    "vsluiUqJLdn3caoQKkbof6w0D2GTxm8PcTvFFlA6+MhMwmU4T6QgC+7CY1TXYPqJ\n" \
    "cvQ7hngOgwS5IctyY2KU5qQibFsPgg1GD32PgKEvv2wwJHTXhiSJP4eQAeCt+UJQ\n" \
    "Yr+x/w1j3Js7kzLWAyalnrRVxMIYqkq0loQSjprXFda86vju3FXFLjhr0hutU0K4\n" \
    "MPGcEd5+GJ0razgNRKLhq7zl4SYkMKZelip+WNV+Q/UCsZPezQ8qH2Ax+rm8mJvf\n" \
    "yEfcTGgTvWA9RvJz2MJ5dsWWjU+OF4uK/l78HOYNkUlQMVStZKfjnKQD8MpqSveA\n" \
    "6L8dHRvL7Dgy3cth7STk+5AFHU5ajdKHK5xBF5kaoV3+VOPPUCsSXlUUkwziWxE5\n" \
    "/zPranp+AwVQb6wJJ/6OGYE8hEvg0E3sDzPlkGwPyGZ4vQ3oM2MOy3QBvodzk3Eu\n" \
    "rP6q24EIb/QmGVKbZN/HeY31KxSPk5qdSNEFF3FWdGdVffivhisBNy4Ut1iiwom5\n" \
    "yd14KVA2vSK/NP1J+WYGMulC9BfHRJz7vJTd3MLgfIybQg4eVw4UUMowQmQk7xfB\n" \
    "7ZUUgYxrIdRj2jg5Vr2AMihhOtEo6jN3hgOsLkBAAmP8bLFZsA9b1CehVSlbr+AX\n" \
    "Ygi8XbKLkcKKFmSCt0umdMwILxA/MHPJM4ZibRJKcc+rrnwj8nbG/6TnQq1XayDI\n" \
    "XpelBGudkQnT9RN3AIW47rmW5fmCrEDSAxCfHl802zH933auXnfdEiO0e5pP37WX\n" \
    "788/HQy+hq238qK56o2l1LNtsR9qJFlmTbMFmxZOh0R2+AMsJECJB+R5QKLab6Pk\n" \
    "QEeGPvYBd8uer44KkhlhhuNxn9VftnmlCw4fSvxCbewgZql61JhRqH8Mi7CVC72Y\n" \
    "jLZ1+zvo6rTOI772daJknf9fGpFdJWhSGGqZlo0gIOU36k5DLoEAJ1kziS95wbeQ\n" \
    "bIJURwdj2uZY0ldpx8zLZ3efIsJQh9IKgkSshLK34XCOoVHtcRU3R7RZg8C0kqYD\n" \
    "oBIfYf25PMJZ+D6K/h03zviwH/ctHLebmE7UxzhK2KakEnqmOhVXaztYy3dWykGH\n" \
    "9G4x4Yn0UGAABofa8rx7T8mG0ZKcXzuMEL0d82gUDjmPbRtxxXYh3uBffPzZYQlx\n" \
    "1kHwgQTfAoOt7yPiMN1zsPnLoSOWUwAu0rrS/Db1a2xsbYYqI6wInPuMQydCi0Qg\n" \
    "OPPdNUm2ulnTcTjlGQxLhp0kdlb/i5d1xC30AENrClyHMDR5EEj3Ens7xJ8iGELV\n" \
    "mJX9MIIRsqTKxqbc4slMT/z4oSYMGg5N0vtQ+nWPfE24fx93mviArBkK5bOQI7tm\n" \
    "4yh4YuhF6fsHGYDi3vZGPsyAIdRl4Znw+7Pg5Q0g0Hn9Llc7UKTE8LRzQSpf9yDB\n" \
    "O5OHB0jYlymIsp5y6UUBl/bKKkytWF14CzI+05BSQaDu\n"                     \
    "-----END ENCRYPTED PRIVATE KEY-----\n"

#define RSA_KEY_SHORT                                                    \
    "-----BEGIN RSA PRIVATE KEY-----\n"                                  \
    "MIICXAIBAAKBgQClj+2zRP6q64+Jh9gsg1xw6jFI52CewqnFLj8dzC+t7RT42DvJ\n" \
    "DAX9mSGlu1YlB86x1ysXngTb39fMfDtd7DA0OiXrOYYaZo5VN7rO+nB5AYi7ZryV\n" \
    "lWzWuZg8CNETIpAiCUO1X1rWcDpK9Wfr8/QA01wQNw2shp7oz7/irQGAtwIDAQAB\n" \
    "AoGARXoGuAomDLfZfk9hahyd+Exu7jcalsT91V844VpET+qDuIGVZSMEiI1wT0o0\n" \
    "Nkn2dS7kSH7pbxOaTZd8mkd5WmQ84cjuaEy2eKmWLuOjAXyyo8n5uIdHatwi8azY\n" \
    "bui8ygk0hsYWXuy4vr+rHbXZfoGE/PMciq13QG4/8Se0bCECQQDbt2OUPKuK/j6K\n" \
    "+vPlvCftfuwJ6Qef9Tn4cC+eR4y4775aTIL0d+o8Eo/KJuQgIw3/Tf5J40BDEyZB\n" \
    "+eEossjJAkEAwOcl6LcX41ZmnWt/njpUK+Kiu3qZP/2rugJoMvcIEWK0YzCchxlP\n" \
    "xmS5i6J1TdHWvqZ7S/ejXp2PAimTArg9fwJAGUIV0n6/AbWEnxmGXEyrEmRa4jDF\n" \
    "zZ+1UFglQT7ccI4vBdZx34TBirJfkU+zPfaJr2XZ68iSJKPY7BC7z5/t8QJAdUHM\n" \
    "dFofZixV8eivSWIRWh/IZYfPcetjoIzoA9rPh6nlFsosy55iNKlzc+KLxYMBMyCF\n" \
    "oBbmspO5o0ncN/IARwJBAMlI52C0RmdgpdxoP8hdURJifJKNnwcTYYHSrHBwxeWv\n" \
    "R0tRSHUb4iqAmVQhhBG/xP21tK7EGWpwC3bsAqyOoJw=\n"                     \
    "-----END RSA PRIVATE KEY-----\n"

#define RSA_KEY_EC                                                       \
    "-----BEGIN EC PRIVATE KEY-----\n"                                   \
    "MHcCAQEEINwtvlQ0psoZAo2yDlM2ed59uHjuGyeA/rrTcoBo8afboAoGCCqGSM49\n" \
    "AwEHoUQDQgAEXLt6Qz9MmICyfb7dMfmthtaAeO+Hmr1xe9kyIahlb3xa2pjTH9ax\n" \
    "PNiMNk/k6djNzCXF3HXxsR38mtKtAixx9Q==\n"                             \
    "-----END EC PRIVATE KEY-----\n"

#define RSA_KEY_PUBLIC                                                   \
    "-----BEGIN PUBLIC KEY-----\n"                                       \
    "MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAlNxO9IMDJJfkfnzqK5mC\n" \
    "9dCXaE6e3QfiGB5gaThjPNgnJ5Y7ump9Ox7PlUsAPuWmPTCbKNsvYjK8e1qR3XVL\n" \
    "O3eVa417Cy9NscfJYLczynVEhIwgt0MFTPpSonc1u8VdUhRtZDfyDpU9QQEDhqtu\n" \
    "bocgTkn2FFTyfR7sDOoQg8+9QyD78qHk5g4sUWmT4KFc/QlTk6oxxTxhJX0eblGO\n" \
    "zu6gF60FVZa0YY3Ab54sP4WWZq9MxTyjq+CG+KdhiFwCUc1r9bb11rpvCaRCKtPH\n" \
    "zPbs6EaGFN3ROf9Wui6vzwOZc1YwKzTl1ZnE0LwUoeUdXsUBouFcUlfPvHvB5Nof\n" \
    "kwIDAQAB\n"                                                         \
    "-----END PUBLIC KEY-----\n"

#endif
