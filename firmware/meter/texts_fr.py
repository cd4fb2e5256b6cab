"""What the display says, in French without accents, which the display has none of.

Each ends with "|"; wording.py numbers them in this order. One text takes a third of the memory
that as many names would.
"""

TEXTS = (
    "Marche|"  # ON
    "Prepaye|"  # PREPAID
    "Facture|"  # POSTPAID
    "Bas|"  # LOW
    "Credit|"  # CREDIT
    "Total|"  # USED
    "Coupe: sans cred|"  # OFF
    "Coupe: fournis.|"
    "Coupe: surcharge|"
    "Coupe: fraude|"
    "Appuyez sur #|"
    "Coupe: panne|"
    "Compteur panne\nAppelez fournis.|"  # FAULT
    "Accepte|"  # RESULTS
    "Accepte, cle 1\nPuis les autres|"
    "Accepte, cle 2\nPuis les autres|"
    "Credit plein\nConsommez avant|"
    "Cle non permise|"
    "Numero faux\nVerifiez-le|"
    "Valeur fausse|"
    "Pas pour ce\ntype de compteur|"
    "Trop ancien|"
    "Deja utilise|"
    "Cle perimee|"
    "Pas de credit\navec cette cle|"
    "Numero faux ou\nautre compteur|"
    "Pas pour ce\ncompteur|"
    "Bloque: attendez|"
    "|"
    "Accepte, cle 3\nPuis les autres|"
    "Accepte, cle 4\nPuis les autres|"
    "Panne memoire\nAppelez fournis.|"
    "Trop court:\nil faut 20 chif.|"  # TOO_SHORT
    "Code inconnu\nEssayez 1 a 14|"  # NO_SUCH_CODE
    "Total consomme|"  # TOTAL
    "Puissance|"  # POWER
    "Jeton|"  # TAKEN
    "Aucun jeton|"  # NONE_TAKEN
    "No du compteur|"  # METER_NUMBER
    "SGC    KRN TI|"  # KEY
    "Limite|"  # POWER_LIMIT
    "aucune|"  # NONE
    "Alerte|"  # WARNING
    "Jours restants|"  # DAYS_LEFT
    "pas encore connu|"  # UNKNOWN
    "Contacteur|"  # LOAD
    "Horloge|"  # CLOCK
    "pas reglee|"  # CLOCK_QUALITIES
    "restauree|"
    "reglee|"
    "simulee|"
    "Logiciel|"  # FIRMWARE
    "Fraude|"  # TAMPER
    "oui|"  # YES
    "non|"  # NO
    "EA KT KEN base|"  # KEY_DETAILS
    "par clavier|"  # KEYPAD
    "du fournisseur|"  # REMOTE
)
