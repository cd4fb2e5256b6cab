"""What the display says, in French without accents, which the display has none of."""

ON = "Marche"
PREPAID = "Prepaye"
POSTPAID = "Facture"
LOW = "Bas"
CREDIT = "Credit"
USED = "Total"
OFF = (
    "Coupe: sans cred",
    "Coupe: fournis.",
    "Coupe: surcharge",
    "Coupe: fraude",
    "Appuyez sur #",
    "Coupe: panne",
)
FAULT = "Compteur panne\nAppelez fournis."
RESULTS = {
    1: "Accepte",
    2: "Accepte, cle 1\nPuis les autres",
    3: "Accepte, cle 2\nPuis les autres",
    4: "Credit plein\nConsommez avant",
    5: "Cle non permise",
    6: "Numero faux\nVerifiez-le",
    7: "Valeur fausse",
    8: "Pas pour ce\ntype de compteur",
    9: "Trop ancien",
    10: "Deja utilise",
    11: "Cle perimee",
    12: "Pas de credit\navec cette cle",
    13: "Numero faux ou\nautre compteur",
    14: "Pas pour ce\ncompteur",
    15: "Bloque: attendez",
    17: "Accepte, cle 3\nPuis les autres",
    18: "Accepte, cle 4\nPuis les autres",
    108: "Panne memoire\nAppelez fournis.",
}
TOO_SHORT = "Trop court:\nil faut 20 chif."
NO_SUCH_CODE = "Code inconnu\nEssayez 1 a 14"
TOTAL = "Total consomme"
POWER = "Puissance"
TAKEN = "Jeton"
NONE_TAKEN = "Aucun jeton"
METER_NUMBER = "No du compteur"
KEY = "SGC    KRN TI"
POWER_LIMIT = "Limite"
NONE = "aucune"
WARNING = "Alerte"
DAYS_LEFT = "Jours restants"
UNKNOWN = "pas encore connu"
LOAD = "Contacteur"
CLOCK = "Horloge"
CLOCK_QUALITIES = {
    "unset": "pas reglee",
    "restored": "restauree",
    "set": "reglee",
    "simulated": "simulee",
}
FIRMWARE = "Logiciel"
TAMPER = "Fraude"
YES = "oui"
NO = "non"
KEY_DETAILS = "EA KT KEN base"
KEYPAD = "par clavier"
REMOTE = "du fournisseur"
